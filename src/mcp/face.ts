// What the joint endpoint says about itself. Capabilities never change: what was not declared at initialize is never
// asked for later by hosts (measured with Claude Code 2.1.197 and 2.1.329), and an empty list is an honest answer.

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
  const full = [own, ...servers.map(({ name, text }) => `## ${name}\n${text.trim()}`)].join('\n\n');
  if (full.length <= maxInstructionChars || servers.length === 0) return full.slice(0, maxInstructionChars);
  const heads = servers.reduce((sum, { name }) => sum + name.length + 6, 0);
  const each = Math.floor((maxInstructionChars - own.length - heads) / servers.length) - 1;
  if (each < 40) return cut(`${own}\n\nServers: ${servers.map(({ name }) => name).join(', ')}`, maxInstructionChars);
  return [own, ...servers.map(({ name, text }) => `## ${name}\n${cut(text.trim(), each)}`)].join('\n\n');
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
