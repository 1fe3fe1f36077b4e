// Gathers the edits of all servers by file and renders each file once.
import { AppError } from '../../base/errors.ts';
import { type DocumentOp, editDocument } from '../documents/edit-document.ts';
import { type Boundary, readClientFile, whyNotWritable } from '../world.ts';
import type { FileEdit } from './plan-model.ts';

type Pending = {
  path: string;
  boundary: Boundary;
  format: FileEdit['format'];
  purposes: Set<string>;
  ops: DocumentOp[];
  warning?: string;
};

export type EditRequest = {
  path: string;
  boundary: Boundary;
  format?: FileEdit['format'];
  purpose: string;
  op: DocumentOp;
  warning?: string;
};

export type RenderResult = { files: FileEdit[]; failures: { path: string; reason: string }[] };

export class EditCollector {
  readonly #pending = new Map<string, Pending>();

  add({ path, boundary, format = 'jsonc', purpose, op, warning }: EditRequest): void {
    const found = this.#pending.get(path) ?? { path, boundary, format, purposes: new Set(), ops: [] };
    found.purposes.add(purpose);
    if (warning !== undefined) found.warning = warning;
    if (!found.ops.some((known) => JSON.stringify(known) === JSON.stringify(op))) found.ops.push(op);
    this.#pending.set(path, found);
  }

  /** Every file with its text after the edits; files that cannot be edited with the reason. */
  render(): RenderResult {
    const result: RenderResult = { files: [], failures: [] };
    for (const pending of this.#pending.values()) {
      const edit = renderFile(pending);
      if ('reason' in edit) result.failures.push({ path: pending.path, reason: edit.reason });
      else if (edit.before === undefined || edit.after !== edit.beforeText) result.files.push(edit);
    }
    return result;
  }

  /** The same where one file that cannot be edited is the end of it. `hint`: what a person can do. */
  renderAll(hint = 'Nothing was changed. Repair the file, then run the command again.'): FileEdit[] {
    const { files, failures } = this.render();
    const [failure] = failures;
    if (failure) {
      throw new AppError({ code: 'MIGRATION_REFUSED', message: `${failure.path} ${failure.reason}.`, hint });
    }
    return files;
  }
}

function renderFile({ path, boundary, format, purposes, ops, warning }: Pending): FileEdit | { reason: string } {
  const reading = readClientFile(path, boundary);
  if (reading.kind === 'refused') return { reason: reading.reason };
  const fixed = whyNotWritable(path, boundary);
  if (fixed !== undefined) return { reason: fixed };
  const text = reading.kind === 'file' ? reading.document.text : '';
  const ordered = insertionsFirst(ops);
  try {
    return {
      path,
      boundary,
      format,
      ...(reading.kind === 'file' ? { before: reading.hash, beforeText: text } : {}),
      after: editDocument(text, ordered),
      hasBom: reading.kind === 'file' && reading.document.hasBom,
      purpose: [...purposes].join(', '),
      ops: ordered,
      ...(warning === undefined ? {} : { warning }),
    };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Insertions name places of the text as it was read, so they come before all else and from the end. */
function insertionsFirst(ops: readonly DocumentOp[]): DocumentOp[] {
  const index = (op: DocumentOp) => (op.op === 'insert-after' ? Number(op.path.at(-1)) : -1);
  const insertions = ops.filter((op) => op.op === 'insert-after').sort((a, b) => index(b) - index(a));
  return [...insertions, ...ops.filter((op) => op.op !== 'insert-after')];
}
