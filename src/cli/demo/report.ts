// The demo's words on the terminal, line by line while it runs.
import type { Terminal } from '../render/terminal.ts';
import { textWidth, wrapText } from '../render/text-width.ts';

export type DemoReport = {
  title: (text: string) => void;
  done: (text: string) => void;
  failed: (text: string) => void;
  lines: (...lines: readonly string[]) => void;
};

export function createDemoReport({ print, paint, width }: Pick<Terminal, 'print' | 'paint' | 'width'>): DemoReport {
  let titles = 0;
  const marked = (mark: string, text: string) => {
    const [first = '', ...more] = wrapText(text, width - 5);
    print(`   ${mark} ${first}`, ...more.map((line) => `     ${line}`));
  };
  return {
    title: (text) => {
      titles += 1;
      print('', `${paint('cyan', String(titles))}  ${paint('bold', text)}`);
    },
    done: (text) => marked(paint('green', '✓'), text),
    failed: (text) => marked(paint('red', '✗'), text),
    lines: (...lines) => print(...lines.map((line) => (textWidth(line) === 0 ? '' : `   ${line}`))),
  };
}
