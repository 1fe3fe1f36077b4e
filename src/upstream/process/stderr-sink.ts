// A server's stderr: to its own rotated log, redacted and bounded, and the last of it kept for error messages.
import type { RotatingFile } from '../../base/log.ts';
import { plainText } from '../../base/plain-text.ts';

/** What an error shows; the log has the rest. */
const tailBytes = 2_048;
/** A server that floods must not fill the disk or the daemon's time: more than this a second is counted, not written. */
const maxBytesPerSecond = 256 * 1024;

export type StderrSink = {
  write: (chunk: Buffer) => void;
  /** Another process writes from now on: what an earlier one said is none of its last words. */
  begin: () => void;
  tail: () => string;
};

export function createStderrSink(options: {
  file: RotatingFile;
  redact: (text: string) => string;
  label: string;
  now: () => number;
}): StderrSink {
  let tail = Buffer.alloc(0);
  let windowStart = 0;
  let windowBytes = 0;
  let dropped = 0;
  const put = (text: string) =>
    options.file.write(`${new Date(options.now()).toISOString()} ${options.label} ${text}\n`);
  return {
    write: (chunk) => {
      tail = Buffer.from(Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes));
      const now = options.now();
      if (now - windowStart >= 1_000) {
        if (dropped > 0)
          put(`[${dropped} bytes of stderr were dropped: more than ${maxBytesPerSecond} bytes a second]`);
        [windowStart, windowBytes, dropped] = [now, 0, 0];
      }
      windowBytes += chunk.length;
      if (windowBytes > maxBytesPerSecond) {
        dropped += chunk.length;
        return;
      }
      for (const line of chunk.toString('utf8').split('\n')) {
        if (line.trim()) put(plainText(options.redact(line)));
      }
    },
    begin: () => {
      tail = Buffer.alloc(0);
    },
    tail: () => plainText(options.redact(tail.toString('utf8')).trim()),
  };
}
