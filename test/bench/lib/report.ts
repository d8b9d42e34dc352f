/** What a bench found, and how it is written as markdown. */

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Report {
  /** The bench's name on the command line, and the name of its block in the document. */
  readonly name: string;
  readonly title: string;
  readonly tables: readonly Table[];
  /** Settings and limits that a reader needs to judge the numbers. */
  readonly notes: readonly string[];
}

export function renderReport(report: Report, heading: string): string {
  const tables = report.tables.map(renderTable);
  const notes = report.notes.map((note) => `- ${note}`).join('\n');
  return [`### ${report.title}`, heading, ...tables, notes]
    .filter((part) => part !== '')
    .join('\n\n');
}

/**
 * Puts the text between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`, in place of what was there.
 * A document without the markers gets them at its end.
 */
export function replaceBlock(document: string, name: string, text: string): string {
  const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const block = `${open}\n\n${text}\n\n${close}`;
  const start = document.indexOf(open);
  if (start === -1) return `${document.trimEnd()}\n\n${block}\n`;
  const end = document.indexOf(close, start);
  if (end === -1) throw new Error(`the document opens ${open} and never closes it: add ${close}`);
  return document.slice(0, start) + block + document.slice(end + close.length);
}

function renderTable(table: Table): string {
  const rule = table.columns.map((_, index) => (index === 0 ? '---' : '---:'));
  return [table.columns, rule, ...table.rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
