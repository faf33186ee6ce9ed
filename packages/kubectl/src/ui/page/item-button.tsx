import type { FunctionComponent } from 'preact';
import type { Item } from './fold.ts';
import { indentOf, type Placed } from './layout.ts';
import { Mark } from './mark.tsx';
import { cleanText, fullName, kindOf } from './words.ts';

interface Properties {
  readonly placed: Placed;
  readonly width: number;
  readonly isLit: boolean;
  readonly isCurrent: boolean;
  /** Tab comes here; arrows go on from here. */
  readonly isStop: boolean;
  readonly open: (id: string) => void;
}

/** In a column that is narrower the type of an identity would leave no room for its name. */
const leastForType = 190;

export const ItemButton: FunctionComponent<Properties> = (properties) => {
  const { placed, width, isLit, isCurrent, isStop, open } = properties;
  const { item, x, y } = placed;
  const indent = indentOf(item);
  const classes = ['item', item.state, item.members && 'group', isLit && 'lit'].filter(Boolean);
  return (
    <button
      type="button"
      class={classes.join(' ')}
      style={{ left: `${x + indent}px`, top: `${y}px`, width: `${width - indent}px` }}
      data-id={item.id}
      tabIndex={isStop ? 0 : -1}
      aria-expanded={item.isOpen}
      aria-current={isCurrent ? 'true' : undefined}
      title={titleOf(item)}
      onClick={() => open(item.id)}
    >
      <Mark state={item.state} />
      <span class="hidden">{item.members === undefined ? kindOf(item) : 'group of pods'} </span>
      <bdi>{cleanText(item.name)}</bdi>
      <span class="extra">{item.members === undefined && width < leastForType ? '' : extraOf(item)}</span>
      <span class="hidden">
        , {item.state}
        {item.namespace !== undefined && `, namespace ${cleanText(item.namespace)}`}
      </span>
    </button>
  );
};

/** Beside the name: how many pods a group has, the type of an identity. */
const extraOf = ({ members, isOpen, type }: Item): string =>
  members === undefined ? (type ?? '') : `${isOpen === true ? '▾' : '▸'} ${members.length}`;

const titleOf = (item: Item): string =>
  cleanText(item.about === '' ? fullName(item) : `${fullName(item)}: ${item.about}`);
