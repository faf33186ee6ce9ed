import { css } from './style.ts';

export const pictureStyle = css`
  main {
    display: flex;
    min-height: 0;
    min-width: 0;
  }
  .first {
    padding: 16px;
  }
  .scroll {
    flex: 1 1 0;
    min-width: 0;
    overflow: auto;
    padding: 0 16px 16px;
  }
  .titles {
    position: sticky;
    top: 0;
    z-index: 2;
    height: 32px;
    background: var(--ground);
    border-bottom: 1px solid var(--border);
  }
  .titles span,
  .band {
    position: absolute;
    line-height: 32px;
    font-weight: 600;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .canvas {
    position: relative;
    margin-top: 4px;
  }
  .canvas svg.lines {
    position: absolute;
    inset: 0;
    overflow: visible;
    pointer-events: none;
  }
  .band {
    left: 0;
    right: 0;
    line-height: 24px;
    border-top: 1px solid var(--border);
    color: var(--soft);
  }
  .canvas > .band:first-child {
    border-top: 0;
  }
  .item {
    position: absolute;
    height: 28px;
    min-height: 0;
    padding: 0 8px 0 6px;
    text-align: left;
    border-left: 3px solid var(--state);
  }
  .item bdi {
    flex: 0 1 auto;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .item .extra {
    flex: 0 100 auto;
    min-width: 0;
    margin-left: auto;
    overflow: hidden;
    text-overflow: ellipsis;
    color: var(--soft);
    font-size: 12px;
    white-space: nowrap;
  }
  .item.group {
    box-shadow:
      2px 2px 0 -1px var(--ground),
      3px 3px 0 -1px var(--border);
  }
  .item.lit {
    background: var(--lit);
    border-color: var(--focus);
    border-left-color: var(--state);
  }
  .item[aria-current='true'] {
    border-width: 2px 2px 2px 3px;
    border-color: var(--focus);
  }
  .is-lit .line {
    opacity: 0.15;
  }
  .is-lit .line.lit {
    opacity: 1;
    stroke-width: 2.5;
  }
  @media (prefers-reduced-motion: no-preference) {
    .item,
    .line {
      transition:
        background-color 0.2s,
        border-color 0.2s,
        opacity 0.2s;
    }
  }
`;
