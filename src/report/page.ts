import { escapeHtml } from './escape.js';

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e6e8eb); --soft: light-dark(#5c6670, #9aa4ae);
  --line: light-dark(#d8dde2, #363c43); --paper: light-dark(#ffffff, #15181c); --bar: light-dark(#2f6fde, #6ea2ff); }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .25rem .5rem; text-align: right;
  border-bottom: 1px solid var(--line); } th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; } code { overflow-wrap: anywhere; font-size: .85em; }
p { color: var(--soft); } svg { width: 100%; height: auto; } img { image-rendering: pixelated; max-width: 100%; }
figure { margin: 1rem 0; }`;

/**
 * One HTML file that needs nothing else: style, charts (SVG) and images (PNG) are inside, there is no script, and a
 * content security policy forbids every request. The title is escaped here.
 */
export function page(title: string, sections: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${sections.join('\n')}
</body>
</html>
`;
}

export function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>\n${body}\n</section>`;
}

/** `cells` are escaped here; the first row is the head. */
export function table([head, ...rows]: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  const body = rows.map((cells) => row(cells, 'td')).join('\n');
  return `<table><thead>${row(head, 'th')}</thead><tbody>\n${body}\n</tbody></table>`;
}

/** A PNG file within the page. */
export function image(png: Uint8Array, alt: string): string {
  return `<img alt="${escapeHtml(alt)}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}">`;
}
