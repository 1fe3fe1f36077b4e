// The texts of --help.
import { describeBuild, ownBuild } from '../link/build.ts';
import type { OptionSpec } from './args.ts';
import type { Command, Verb } from './command.ts';
import { wrapText } from './render/text-width.ts';

export const globalOptions: readonly OptionSpec[] = [
  { long: 'help', short: 'h', help: 'Show this, or the help of a command' },
  { long: 'version', short: 'V', help: 'Print the version' },
  { long: 'daemon', value: 'NAME', help: 'Which daemon, if you run several (default mcp-user)' },
];

export function versionLine(): string {
  return `mcp-proxy ${describeBuild(ownBuild)}`;
}

export function overview(verbs: readonly Verb[], program: string): string[] {
  const widest = Math.max(...verbs.map((verb) => verb.name.length));
  return [
    'One set of MCP servers for all your agent sessions.',
    '',
    `Usage: ${program} <command> [arguments]`,
    '',
    ...verbs.map((verb) => `  ${verb.name.padEnd(widest)}  ${verb.summary}`),
    '',
    ...optionLines(globalOptions),
    '',
    `More about a command: ${program} <command> --help`,
  ];
}

export function commandHelp(verb: Verb, command: Command, program: string): string[] {
  const lines = [`${verb.summary}.`, '', ...command.usage.map((form) => `Usage: ${program} ${form}`), ''];
  for (const paragraph of command.about.split('\n')) lines.push(...wrapText(paragraph, 80));
  if (command.options.length > 0) lines.push('', ...optionLines(command.options));
  if (command.examples.length > 0) lines.push('', 'Examples:');
  for (const example of command.examples) {
    lines.push(`  ${program} ${example.line}`, `      ${example.does}`);
  }
  return lines;
}

function optionLines(options: readonly OptionSpec[]): string[] {
  const names = options.map(({ short, long, value }) =>
    [short ? `-${short}, --${long}` : `    --${long}`, value].filter(Boolean).join(' '),
  );
  const widest = Math.max(...names.map((name) => name.length));
  return options.flatMap((option, i) => {
    const [first = '', ...more] = wrapText(option.help, Math.max(30, 80 - widest - 4));
    const indent = ' '.repeat(widest + 4);
    return [`  ${(names[i] ?? '').padEnd(widest)}  ${first}`, ...more.map((line) => indent + line)];
  });
}
