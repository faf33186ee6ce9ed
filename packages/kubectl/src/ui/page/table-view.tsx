import type { FunctionComponent } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Picture } from '../picture.ts';
import { Mark } from './mark.tsx';
import { rowsOf, rowsPerPage, type Row } from './rows.ts';
import { cleanText } from './words.ts';

interface Properties {
  readonly picture: Pick<Picture, 'things' | 'lines'>;
  readonly open: (id: string) => void;
}

/** The same as the picture says, for screen readers and for search in the browser. */
export const TableView: FunctionComponent<Properties> = ({ picture, open }) => {
  const rows = useMemo(() => rowsOf(picture), [picture]);
  const [wanted, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(rows.length / rowsPerPage));
  const page = Math.min(wanted, pages - 1);
  return (
    <div class="scroll">
      <Rows
        rows={rows.slice(page * rowsPerPage, (page + 1) * rowsPerPage)}
        nameCell={({ id, name }) => (
          <button type="button" class="link" data-id={id} onClick={() => open(id)}>
            <bdi>{cleanText(name)}</bdi>
          </button>
        )}
      />
      <div class="pages">
        <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
          Previous
        </button>
        <span>
          Page {page + 1} of {pages}, {rows.length} rows
        </span>
        <button type="button" disabled={page === pages - 1} onClick={() => setPage(page + 1)}>
          Next
        </button>
      </div>
    </div>
  );
};

const mostNames = 20;

const Rows: FunctionComponent<{
  readonly rows: readonly Row[];
  readonly nameCell: (row: Row) => preact.ComponentChildren;
}> = ({ rows, nameCell }) => (
  <table class="rows">
    <thead>
      <tr>
        {['Kind', 'Name', 'State', 'Why', 'Leads to'].map((title) => (
          <th key={title} scope="col">
            {title}
          </th>
        ))}
      </tr>
    </thead>
    <tbody>
      {rows.map((row) => (
        <tr key={row.id}>
          <td>{row.kind}</td>
          <th scope="row">{nameCell(row)}</th>
          <td>
            <Mark state={row.state} />
            {row.state}
          </td>
          <td dir="auto">{cleanText(row.about)}</td>
          <td>{namesOf(row.leadsTo)}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

const namesOf = (names: readonly string[]): string => {
  const shown = cleanText(names.slice(0, mostNames).join(', '));
  return names.length <= mostNames ? shown : `${shown} and ${names.length - mostNames} more`;
};
