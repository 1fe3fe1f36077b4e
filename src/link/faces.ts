// Ready-made answers on disk, written by the daemon, copied by a wrapper whose daemon is away or slow.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readFileIfPresent } from '../base/atomic-file.ts';
import { isRecord } from '../base/guards.ts';
import { type ListName, listNames } from '../mcp/lists.ts';

export type Face = {
  /** InitializeResult without protocolVersion, which the wrapper takes from the request. */
  initialize: Record<string, unknown>;
  lists: Partial<Record<ListName, { etag: string; result: unknown }>>;
};

export type FaceKey = { projectRoot: string; server?: string | undefined; mode?: string | undefined };

/** One face for each project, server and mode: what a session may see depends on its project. */
export function facePath(facesDir: string, key: FaceKey): string {
  const identity = [key.projectRoot, key.server ?? '', key.mode ?? ''].join('\0');
  return join(facesDir, `${createHash('sha256').update(identity).digest('hex').slice(0, 24)}.json`);
}

/** What a project without a face of its own gets: only servers that every project may see. */
export function commonFacePath(facesDir: string, key: Omit<FaceKey, 'projectRoot'>): string {
  return facePath(facesDir, { ...key, projectRoot: '' });
}

export function readFace(path: string): Face | undefined {
  try {
    const text = readFileIfPresent(path);
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    if (!isRecord(value) || !isRecord(value['initialize']) || !isRecord(value['lists'])) return undefined;
    const lists: Face['lists'] = {};
    for (const name of listNames) {
      const list = value['lists'][name];
      if (isRecord(list) && typeof list['etag'] === 'string')
        lists[name] = { etag: list['etag'], result: list['result'] };
    }
    return { initialize: value['initialize'], lists };
  } catch {
    return undefined; // damaged: the daemon writes it again
  }
}
