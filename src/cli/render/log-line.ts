// One JSON line of the daemon's log for people: time, level, event, then the fields.

import { isRecord } from '../../base/guards.ts';
import { plainLine } from '../../base/plain-text.ts';
import type { Paint, StyleName } from './style.ts';

const levelStyles: Readonly<Record<string, StyleName>> = { debug: 'dim', info: 'green', warn: 'yellow', error: 'red' };

/** A line that is not of that form is shown as it is. */
export function logLine(line: string, paint: Paint): string {
  const value = parse(line);
  if (!value) return plainLine(line);
  const { time, level, event, pid: _pid, ...fields } = value;
  const name = typeof level === 'string' ? level : '';
  const parts = Object.entries(fields).map(([key, field]) => `${key}=${fieldText(field)}`);
  const when = localTime(typeof time === 'string' ? time : '');
  const text = plainLine([String(event ?? ''), ...parts].join(' '));
  return `${paint('dim', when)} ${paint(levelStyles[name], name.padEnd(5))} ${text}`;
}

function fieldText(field: unknown): string {
  if (typeof field === 'string') return /^[^\s"=]+$/.test(field) ? field : JSON.stringify(field);
  return JSON.stringify(field) ?? '';
}

function localTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) && 'event' in value ? value : undefined;
  } catch {
    return undefined; // a line cut by rotation
  }
}
