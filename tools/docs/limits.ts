// The numbers at the top of source files: limits, delays and shares, each with the comment that gives its reason.
import ts from 'typescript';

/** Numbers under one comment. */
export interface LimitGroup {
  readonly limits: readonly { readonly name: string; readonly value: string }[];
  /** Empty if there is no comment. */
  readonly reason: string;
}

/** Numbers that a format or protocol gives, units, and values to begin with. */
const fixed = new Set(
  'quote comma colon backslash space open close openObject openList closeObject closeList lineEnd bracketBit'
    .concat(' version succeeded complete tmpfs descriptorOfOutput cannotSay ranks statuses')
    .concat(' MiB unitMs minuteMs hourMs dayMs unasked none noTurns')
    .split(' '),
);

export function limitsOf(source: string): readonly LimitGroup[] {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true);
  const groups: { limits: { name: string; value: string }[]; reason: string }[] = [];
  let isFirst = true;
  for (const statement of file.statements) {
    const { reason, startsParagraph } = headOf(statement, source);
    const limit = limitOf(statement);
    isFirst ||= startsParagraph || reason !== '' || !ts.isVariableStatement(statement);
    if (!limit) continue;
    if (isFirst) groups.push({ limits: [], reason });
    groups.at(-1)?.limits.push(limit);
    isFirst = false;
  }
  return groups;
}

function limitOf(statement: ts.Statement) {
  const [declaration] = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [];
  if (!declaration?.initializer) return undefined;
  const name = declaration.name.getText();
  const value = valueOf(declaration.initializer, name);
  return value === undefined || !/\d/.test(value) || fixed.has(name) ? undefined : { name, value };
}

/** The comment directly above a statement, and whether there is an empty line above both. */
function headOf(statement: ts.Statement, source: string) {
  const above = source.slice(statement.getFullStart(), statement.getStart());
  const text = above.split(/\n\s*\n/).at(-1) ?? '';
  const lines = text
    .split('\n')
    .map((line) => line.replaceAll(/^\s*(\/\*\*?|\/\/|\*(?!\/))|\*\/\s*$/g, '').trim());
  return { reason: lines.join(' ').trim(), startsParagraph: /\n\s*\n/.test(above) };
}

/** Undefined if it is anything but numbers. */
function valueOf(node: ts.Expression, name: string): string | undefined {
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) return valueOf(node.expression, name);
  if (!ts.isObjectLiteralExpression(node)) return numberText(node, name);
  const parts = node.properties.map((property) => {
    const part = property.name?.getText() ?? '';
    // The fields to read of an object.
    if (!ts.isPropertyAssignment(property) || part === 'members') return undefined;
    const value = valueOf(property.initializer, name.endsWith('Ms') ? name : part);
    return value === undefined
      ? undefined
      : `${part} ${ts.isObjectLiteralExpression(property.initializer) ? `(${value})` : value}`;
  });
  return parts.length > 0 && parts.every((part) => part !== undefined) ? parts.join(', ') : undefined;
}

function numberText(node: ts.Expression, name: string): string | undefined {
  const value = numberOf(node);
  if (value !== undefined) return withUnit(value, name);
  return isArithmetic(node) && (!ts.isIdentifier(node) || fixed.has(node.text)) ? node.getText() : undefined;
}

/** The value of an expression of literals. */
function numberOf(node: ts.Expression): number | undefined {
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isParenthesizedExpression(node)) return numberOf(node.expression);
  if (!ts.isBinaryExpression(node)) return undefined;
  const [left, right] = [numberOf(node.left), numberOf(node.right)];
  const operation = operations[node.operatorToken.getText()];
  return left === undefined || right === undefined ? undefined : operation?.(left, right);
}

const operations: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '**': (left, right) => left ** right,
};

/** With names of other numbers in it. */
function isArithmetic(node: ts.Expression): boolean {
  if (ts.isBinaryExpression(node)) return isArithmetic(node.left) && isArithmetic(node.right);
  return ts.isIdentifier(node) || numberOf(node) !== undefined;
}

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

function withUnit(value: number, name: string): string {
  if (/(^ms|Ms)$/.test(name)) {
    const [inMs, unit] = units.find(([ms]) => value >= ms && value % ms === 0) ?? [1, 'ms'];
    return `${value / inMs} ${unit}`;
  }
  const isBytes = /bytes$|^upTo$/i.test(name);
  if (isBytes && value % 1_048_576 === 0) return `${value / 1_048_576} MiB`;
  if (isBytes) return value % 1_024 === 0 ? `${value / 1_024} KiB` : `${value} B`;
  return value.toLocaleString('en-US', { maximumFractionDigits: 7 });
}
