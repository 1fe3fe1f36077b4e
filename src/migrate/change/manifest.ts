// manifest.json of one change: which files, their copies, how far it came.
import * as z from 'zod/mini';

const fileSchema = z.object({
  /** Real path, which is what was written. */
  path: z.string(),
  /** As people know it. */
  shown: z.string(),
  format: z.enum(['jsonc', 'toml', 'text']),
  mode: z.number(),
  /** sha256; absent if there was no file. */
  before: z.optional(z.string()),
  after: z.string(),
  /** Names of the copies in the journal's folder. */
  beforeCopy: z.optional(z.string()),
  afterCopy: z.string(),
  /** Folders that had to be made. */
  folders: z.array(z.string()),
});

export const manifestSchema = z.object({
  version: z.literal(1),
  id: z.string().check(z.regex(/^[0-9]{8}-[0-9]{6}-[0-9a-f]{6,7}$/)),
  kind: z.string(),
  createdAt: z.string(),
  state: z.enum(['applying', 'applied', 'rolled-back', 'undoing', 'partly-undone', 'undone']),
  writer: z.object({ pid: z.number(), startTime: z.string() }),
  /** Writing of so many files was begun; the others were never touched. */
  begun: z.number(),
  summary: z.array(z.string()),
  files: z.array(fileSchema),
});

export type ManifestFile = z.infer<typeof fileSchema>;
export type Manifest = z.infer<typeof manifestSchema>;
export type JournalState = Manifest['state'];
