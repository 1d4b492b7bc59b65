declare module 'mongodb/lib/cmap/commands.js' {
  /** Documents that the driver puts into a message as the bytes they are. */
  export class DocumentSequence {
    constructor(field: string)
    push(document: unknown, bytes: Uint8Array): number
  }
}
