import { expect, test } from 'vitest';
import { drawFlowcharts } from './flowchart.ts';

test('a flowchart becomes a nested list; labels of arrows come first', () => {
  const source = [
    'Before.\n\n```mermaid',
    'flowchart TD',
    '  A["explain<br/>POD"] --> B{Anything?}',
    '  B -- "no, nothing" --> C[wait]',
    '  B -- yes --> D["do"]',
    '  D --> E[look]',
    '```\n\nAfter.',
  ].join('\n');
  expect(drawFlowcharts(source)).toBe(
    [
      'Before.\n\n- explain POD',
      '  - Anything?',
      '    - **no, nothing:** wait',
      '    - **yes:** do',
      '      - look\n\nAfter.',
    ].join('\n'),
  );
});

test('what is no arrow is refused, not left out', () => {
  expect(() => drawFlowcharts('```mermaid\nflowchart TD\n  subgraph x\n```')).toThrow('not understood');
});
