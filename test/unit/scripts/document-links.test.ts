import { expect, it } from 'vitest';
import { relativeLinks } from '../../../scripts/document-links.ts';

it('finds links and pictures beside a document, without the place in it', () => {
  const text = [
    'See [the config](docs/config.md#one) and [`code`](docs/errors.md), ![demo](docs/pictures/demo.svg "t").',
    '<picture><source srcset="dark.svg"><img src="light%20blue.svg?raw" alt=""></picture> <a href="LICENSE">MIT</a>',
    '[by name]: docs/faq.md',
  ].join('\n');
  expect(relativeLinks(text).sort()).toEqual([
    'LICENSE',
    'dark.svg',
    'docs/config.md',
    'docs/errors.md',
    'docs/faq.md',
    'docs/pictures/demo.svg',
    'light blue.svg',
  ]);
});

it('leaves out other addresses, places in the same text, and code', () => {
  const text = '[a](https://a.invalid/b) [b](mailto:a@b.invalid) [c](#here) `[d](d.md)`\n```md\n[e](e.md)\n```\n';
  expect(relativeLinks(text)).toEqual([]);
});
