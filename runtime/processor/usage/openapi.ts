import { groupings, longestRangeDays, pageLimits } from './usage-query.ts'

const number = (description: string) => ({ type: 'number', description })
const count = (description: string) => ({ type: 'integer', minimum: 0, description })

const sums = {
  events: count('answers of models'),
  tokens: count('prompt and completion together'),
  prompt_tokens: count('tokens of prompts'),
  completion_tokens: count('tokens of completions'),
  cost_usd: {
    type: 'string',
    pattern: '^\\d+(\\.\\d+)?$',
    description: 'exact sum in US dollars; text, since a JSON number would be rounded by most readers',
  },
  cost_per_token_usd: { type: ['number', 'null'], description: 'null where there were no tokens' },
  tokens_per_second: number(
    'tokens by the seconds of the range, or of the hour as far as it is in the range',
  ),
}

const row = {
  type: 'object',
  description: 'with the fields that it is grouped by: model; host; host and gpu_index; or hour',
  properties: {
    model: { type: 'string' },
    host: { type: ['string', 'null'], description: 'null for usage that named no host' },
    gpu_index: { type: 'integer', minimum: 0 },
    hour: { type: 'string', format: 'date-time', description: 'when the hour begins' },
    ...sums,
  },
  required: Object.keys(sums),
  additionalProperties: false,
}

const time = (description: string) => ({
  description,
  required: false,
  schema: { type: 'string', format: 'date-time', examples: ['2026-01-02T03:04:00Z'] },
})

const failure = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } },
})

/** What `/api/openapi.json` says. */
export const openApi = {
  openapi: '3.1.0',
  info: {
    title: 'Sluice usage',
    version: '1.0.0',
    description: 'Tokens, cost and rates of what models answered, summed up from what the processor stored.',
  },
  paths: {
    '/api/usage': {
      get: {
        operationId: 'usage',
        summary: 'Usage of a time range, in total and by model, host, GPU or hour',
        parameters: [
          {
            name: 'from',
            in: 'query',
            ...time(
              'beginning of the range, in UTC, taken down to a whole minute; without it 24 hours before "to"',
            ),
          },
          {
            name: 'to',
            in: 'query',
            ...time(
              `end of the range, taken up to a whole minute, at most ${longestRangeDays} days later; without it now`,
            ),
          },
          {
            name: 'by',
            in: 'query',
            required: false,
            schema: { type: 'string', enum: groupings, default: 'model' },
          },
          {
            name: 'limit',
            in: 'query',
            required: false,
            description: 'rows of a page',
            schema: { type: 'integer', minimum: 1, maximum: pageLimits.largest, default: pageLimits.default },
          },
          {
            name: 'after',
            in: 'query',
            required: false,
            description: 'where the page before ended; take it from "next"',
            schema: { type: 'string' },
          },
        ],
        responses: {
          200: {
            description: 'the sums',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Usage' } } },
          },
          400: failure('a parameter is not what it should be'),
          503: failure('the database did not answer in time'),
        },
      },
    },
  },
  components: {
    schemas: {
      Usage: {
        type: 'object',
        properties: {
          from: { type: 'string', format: 'date-time', description: 'the range that the sums are of' },
          to: { type: 'string', format: 'date-time' },
          by: { type: 'string', enum: groupings },
          complete: {
            type: 'boolean',
            description: 'false while what was stored in the last seconds is not in the sums yet',
          },
          total: {
            type: 'object',
            properties: sums,
            required: Object.keys(sums),
            additionalProperties: false,
          },
          rows: { type: 'array', items: row, description: 'in the order of what they are grouped by' },
          next: { type: ['string', 'null'], description: 'address of the next page, null on the last one' },
        },
        required: ['from', 'to', 'by', 'complete', 'total', 'rows', 'next'],
        additionalProperties: false,
      },
      Failure: {
        type: 'object',
        properties: {
          error: {
            type: 'object',
            properties: {
              code: { type: 'string', enum: ['BAD_QUERY', 'DATABASE_UNAVAILABLE'] },
              message: { type: 'string' },
              do: { type: 'string', description: 'what to do next' },
              problems: {
                type: 'array',
                items: {
                  type: 'object',
                  properties: { parameter: { type: 'string' }, problem: { type: 'string' } },
                  required: ['parameter', 'problem'],
                },
              },
            },
            required: ['code', 'message', 'do'],
          },
        },
        required: ['error'],
      },
    },
  },
} as const
