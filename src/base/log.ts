// JSON lines in a file that is rotated by size. Writes are synchronous: the last line before a crash is the one needed.
import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { causeChain } from './errors.ts';
import { whyNotRegular } from './foreign-file.ts';
import { visibleJson } from './plain-text.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Record<string, unknown>;
export type Log = {
  debug: (event: string, fields?: LogFields) => void;
  info: (event: string, fields?: LogFields) => void;
  warn: (event: string, fields?: LogFields) => void;
  error: (event: string, fields?: LogFields) => void;
};

export type FileLogOptions = {
  path: string;
  maxBytes: number;
  /** How many rotated files stay beside the current one. */
  keep: number;
  redact: (text: string) => string;
};

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Never throws: a full disk or a removed folder must not end the daemon, so the line is dropped. */
export function createFileLog(options: FileLogOptions): Log & { close: () => void } {
  const file = createRotatingFile(options);
  const write = (level: LogLevel, event: string, fields: LogFields = {}) => {
    const { error, ...rest } = fields;
    const causes = error === undefined ? {} : { causes: causeChain(error) };
    const line = JSON.stringify({ time: new Date().toISOString(), level, event, pid: process.pid, ...rest, ...causes });
    // Log files are read in a terminal, with whatever is at hand.
    file.write(`${visibleJson(options.redact(line))}\n`);
  };
  return {
    debug: (event, fields) => write('debug', event, fields),
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
    close: file.close,
  };
}

export type RotatingFile = { write: (text: string) => void; close: () => void };

/** Appends to `path`; over `maxBytes` it becomes `path.1`, the former `path.1` becomes `path.2`, and so on. */
export function createRotatingFile({
  path,
  maxBytes,
  keep,
}: {
  path: string;
  maxBytes: number;
  keep: number;
}): RotatingFile {
  let fd: number | undefined;
  let bytes = 0;
  const open = () => {
    // O_NOFOLLOW: a planted link must not make us append to its target. O_NONBLOCK: nor a planted pipe hold us.
    const careful = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | careful, 0o600);
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error(whyNotRegular(stat));
    bytes = stat.size;
  };
  const close = () => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const rotate = () => {
    close();
    for (let i = keep; i >= 1; i -= 1) {
      try {
        renameSync(i === 1 ? path : `${path}.${i - 1}`, `${path}.${i}`);
      } catch {
        // that generation does not exist yet
      }
    }
  };
  return {
    write: (text) => {
      try {
        if (fd !== undefined && bytes + text.length > maxBytes) rotate();
        if (fd === undefined) open();
        if (fd !== undefined) bytes += writeSync(fd, text);
      } catch {
        close(); // disk full or folder gone: drop the line, try to open again with the next one
      }
    },
    close,
  };
}
