// Runs the example of a doc comment, and compares what its statements give with the comments after them.
import { inspect } from 'node:util';
import ts from 'typescript';

/** A statement whose value, or what it prints, is in a comment: behind it, or for the last one also below it. */
interface Told {
  readonly statement: ts.ExpressionStatement;
  readonly expected: string;
}

export interface Outcome {
  readonly compared: number;
  /** A sentence for each statement that gave something else. */
  readonly differences: readonly string[];
}

/** `names`: what the example uses. In a comment `…` stands for anything. */
export async function compareExample(
  text: string,
  names: Readonly<Record<string, unknown>>,
): Promise<Outcome> {
  const source = ts.createSourceFile('example.ts', text, ts.ScriptTarget.ESNext, true);
  const told = toldIn(source);
  const found = new Map<number, string>();
  const tell = (index: number, ...values: readonly unknown[]) => {
    if (!found.has(index)) found.set(index, values.map(shown).join(' '));
  };
  const compilerOptions = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext };
  const { outputText } = ts.transpileModule(withCalls(text, told), { compilerOptions });
  const scope: Readonly<Record<string, unknown>> = { ...names, tell, console: silent };
  await new AsyncFunction(...Object.keys(scope), `{\n${outputText}\n}`)(...Object.values(scope));
  const differences = told.flatMap(({ statement, expected }, index) => {
    const got = found.get(index) ?? 'nothing, since it is not reached';
    return patternOf(expected).test(got)
      ? []
      : [`${statement.getText()} gives ${got.slice(0, 500)}, not ${expected}`];
  });
  return { compared: told.length, differences };
}

/** Not a global: the constructor of every async function. */
const AsyncFunction = (async () => {
  await Promise.resolve();
}).constructor as new (...parametersAndBody: string[]) => (...given: readonly unknown[]) => Promise<void>;

const silent = { log: () => undefined, error: () => undefined, warn: () => undefined };

function toldIn(source: ts.SourceFile): Told[] {
  const text = source.getFullText();
  const below = /;\n((?:\/\/.*\n)+)$/.exec(text);
  const told: Told[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node)) {
      const behind = /^ *(\/\/.*)/.exec(text.slice(node.end))?.[1];
      const isLast = below !== null && below.index + 1 === node.end;
      const comment = behind ?? (isLast ? below[1] : undefined);
      if (comment !== undefined) told.push({ statement: node, expected: words(comment) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return told;
}

function words(comment: string): string {
  return comment
    .replaceAll(/^\/\/ ?/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function withCalls(text: string, told: readonly Told[]): string {
  return told.reduceRight((changed, { statement: { expression } }, index) => {
    const prints = ts.isCallExpression(expression) && expression.expression.getText().startsWith('console.');
    const values = prints
      ? expression.arguments.map((one) => one.getText()).join(', ')
      : expression.getText();
    return `${changed.slice(0, expression.getStart())}tell(${index}, ${values})${changed.slice(expression.end)}`;
  }, text);
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? value
    : inspect(value, { depth: Infinity, breakLength: Infinity, compact: true }).replaceAll(/\s+/g, ' ');
}

function patternOf(expected: string): RegExp {
  const literally = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${expected.split('…').map(literally).join('.*')}$`, 's');
}
