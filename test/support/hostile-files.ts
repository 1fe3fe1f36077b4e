// What a repository, another program or another user can put where a small text file is expected.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';

export type HostileKind = (typeof hostileKinds)[number];

export const hostileKinds = [
  'a link to /dev/zero',
  'a pipe',
  'a pipe that somebody fills',
  'a folder',
  'a socket',
  'a sparse file of 1 GiB',
  'a link to itself',
  'a link out of the project',
] as const;

export class HostileFiles {
  readonly #writers: number[] = [];
  readonly #servers: Server[] = [];

  /** In place of whatever stands at `path`. `elsewhere`: what the link out of the project leads to. */
  plant(kind: HostileKind, path: string, elsewhere: string): void {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(dirname(path), { recursive: true });
    switch (kind) {
      case 'a link to /dev/zero':
        return symlinkSync('/dev/zero', path);
      case 'a pipe':
        return pipe(path);
      case 'a pipe that somebody fills':
        pipe(path);
        this.#writers.push(openWriter(path));
        return;
      case 'a folder':
        mkdirSync(path);
        return;
      case 'a socket':
        // Its file is there when the call returns.
        this.#servers.push(createServer().listen(path));
        return;
      case 'a sparse file of 1 GiB':
        writeFileSync(path, '');
        return truncateSync(path, 2 ** 30);
      case 'a link to itself':
        return symlinkSync(path, path);
      case 'a link out of the project':
        return symlinkSync(elsewhere, path);
    }
  }

  close(): void {
    for (const writer of this.#writers) closeSync(writer);
    for (const server of this.#servers) server.close();
  }
}

export function pipe(path: string): void {
  execFileSync('mkfifo', [path]);
}

/** Open for both, so that it waits for no reader; whoever reads gets some and then waits for more. */
function openWriter(path: string): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  writeSync(fd, '{ "mcpServers": '.repeat(1_000));
  return fd;
}
