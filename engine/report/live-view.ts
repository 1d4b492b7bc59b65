import { DefaultRenderer, Listr, ListrLogger, ProcessOutput } from 'listr2'
import type { Emit } from '../events.ts'
import { frame } from './live-frame.ts'
import { RunProgress } from './run-progress.ts'
import { painter, type Screen } from './terminal.ts'

/** Shows a run on a terminal as it goes on: a line a host, and no more lines than the terminal has. */
export function liveView(screen: Screen, signal: AbortSignal): { emit: Emit; close(): Promise<void> } {
  const progress = new RunProgress()
  const ended = Promise.withResolvers<void>()
  const paint = painter(screen)

  /** listr2's spinner, redrawing and clean-up around a frame of our own: its own list grows past the screen. */
  class HostsRenderer extends DefaultRenderer {
    override create(): string {
      return frame(progress, {
        rows: screen.rows ?? 24,
        columns: screen.columns ?? 80,
        now: performance.now(),
        spinner: this.spinnerMark(),
        stopping: signal.aborted,
        paint,
      }).join('\n')
    }

    private spinnerMark(): string {
      return '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'.charAt(Math.floor(performance.now() / 100) % 10)
    }
  }

  const stream = screen as NodeJS.WriteStream
  const list = new Listr([{ title: 'run', task: () => ended.promise }], {
    renderer: HostsRenderer,
    rendererOptions: {
      clearOutput: true,
      logger: new ListrLogger({ processOutput: new ProcessOutput(stream, stream) }),
    },
    // Ctrl-C is for the run to answer.
    registerSignalListeners: false,
  })
  const shown = list.run()
  return {
    emit: (event) => progress.accept(event, performance.now()),
    async close() {
      ended.resolve()
      await shown
    },
  }
}
