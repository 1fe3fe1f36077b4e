// What the joint endpoint says about itself. Capabilities never change: what was not declared at initialize is never
// asked for later by hosts (measured with Claude Code 2.1.197 and 2.1.329), and an empty list is an honest answer.
import { cutChars } from '../base/cut-text.ts';
import { plainText } from '../base/plain-text.ts';

export const jointCapabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
} as const;

/** Hosts cut instructions: Claude Code 2.1.197 at 2,048 characters. */
export const maxInstructionChars = 2_048;

/** What we declare to servers; what the one session lacks is answered with an error or `cancel`. */
export function upstreamCapabilities(options: { roots: boolean; sampling: boolean }): Record<string, unknown> {
  return {
    elicitation: { form: {}, url: {} },
    ...(options.roots ? { roots: { listChanged: true } } : {}),
    ...(options.sampling ? { sampling: {} } : {}),
  };
}

/** Ours first, then each server's under its name, inside the host's limit; servers are cut evenly, never dropped silently. */
export function joinInstructions(own: string, servers: readonly { name: string; text: string }[]): string {
  const sections = servers.map(({ name, text }) => ({ head: `## ${name}\n`, text: withinSection(text) }));
  const join = (limit: number) =>
    [own, ...sections.map(({ head, text }) => head + cutSection(text, limit))].join('\n\n');
  const full = join(Number.POSITIVE_INFINITY);
  if (full.length <= maxInstructionChars || servers.length === 0) return cutChars(full, maxInstructionChars);
  const heads = sections.reduce((sum, { head }) => sum + head.length + 2, 0);
  const each = Math.floor((maxInstructionChars - own.length - heads) / servers.length);
  if (each >= minSectionChars) return join(each);
  return cutChars(`${own}\n\nServers: ${servers.map(({ name }) => name).join(', ')}`, maxInstructionChars);
}

/** Less of each server says nothing; then their names are worth more. */
const minSectionChars = 40;

/**
 * A server's text as part of ours: it says the same, and no line of it can pass for the head of a section, which would
 * speak for us or for another server. What hides is written out, other line breaks among it.
 */
function withinSection(text: string): string {
  return (
    // No more of it can be shown, however much there is.
    plainText(cutChars(text.trim(), maxInstructionChars))
      // Its headings stay headings, below the one that is its name; also what a hasty reader takes for one, behind
      // whatever space Unicode has.
      .replace(/^([^\S\n]*)(#(?=\s|$)|#{2,6}(?!#))/gm, (_, indent: string, level: string) => {
        return indent + '#'.repeat(Math.min(6, level.length + 2));
      })
      // A line of = or - makes a heading of the one above it.
      .replace(/([^\n])\n([^\S\n]*(?:=+|-+)[^\S\n]*)(?=\n|$)/g, '$1\n\n$2')
      .replace(longFence, (_, indent: string, fence: string) => indent + fence.slice(0, maxFenceChars))
  );
}

const longFence = /^( {0,3})(`{9,}|~{9,})/gm;
const maxFenceChars = 8;

/** A block of code that is open at the end would swallow the sections of the servers behind it. */
function cutSection(text: string, limit: number): string {
  const cut = cutLines(text, limit);
  if (openFence(cut) === '') return cut;
  const room = cutLines(text, limit - maxFenceChars - 1);
  const fence = openFence(room);
  return fence === '' ? room : `${room}\n${fence}`;
}

/** What is left of a heading that was cut inside its marks would be one of a higher level. */
function cutLines(text: string, limit: number): string {
  return cutChars(text, limit).replace(/\n[^\S\n]*#+…$/, '\n…');
}

function openFence(text: string): string {
  let open = '';
  for (const [, fence = '', rest = ''] of text.matchAll(/^ {0,3}(`{3,8}|~{3,8})(.*)$/gm)) {
    if (open === '') open = fence;
    else if (fence[0] === open[0] && fence.length >= open.length && rest.trim() === '') open = '';
  }
  return open;
}
