import { pictureStyle } from './picture-style.ts';
import { commonStyle, css } from './style.ts';

const controls = css`
  #root {
    display: grid;
    grid-template-rows: auto 1fr;
    height: 100dvh;
  }
  header {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px 12px;
    padding: 8px 16px;
    border-bottom: 1px solid var(--border);
    background: var(--panel);
  }
  header p {
    margin: 0;
    flex: 1 1 auto;
  }
  .controls {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    width: 100%;
  }
  button,
  input,
  select {
    box-sizing: border-box;
    min-height: 32px;
    max-width: 100%;
    padding: 2px 10px;
    border: 1px solid var(--border);
    border-radius: 6px;
    background: var(--ground);
    color: inherit;
    font: inherit;
  }
  select {
    width: 190px;
  }
  input {
    flex: 1 1 180px;
    max-width: 320px;
  }
  input::placeholder {
    color: var(--soft);
    opacity: 1;
  }
  button {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    cursor: pointer;
  }
  button[aria-pressed='true'] {
    border-color: var(--focus);
    background: var(--lit);
  }
  :focus-visible {
    outline: 2px solid var(--focus);
    outline-offset: 1px;
  }
  .only-narrow {
    display: none;
  }
  .banner {
    width: 100%;
  }
  .banner ul {
    margin: 4px 0;
    padding-left: 20px;
  }
  .checks[open] {
    max-height: 60vh;
    overflow-y: auto;
  }
  .message {
    position: fixed;
    z-index: 4;
    bottom: 16px;
    left: 16px;
    padding: 8px 12px;
    border-radius: 6px;
    background: var(--text);
    color: var(--ground);
  }
  .hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;

const panel = css`
  aside {
    flex: 0 0 400px;
    box-sizing: border-box;
    overflow: auto;
    padding: 12px 16px;
    border-left: 1px solid var(--border);
    background: var(--panel);
  }
  aside h2:focus {
    outline: 0;
  }
  aside .top {
    display: flex;
    align-items: start;
    justify-content: space-between;
    gap: 8px;
  }
  :is(aside, .checks) ol,
  :is(aside, .checks) ul {
    margin: 4px 0;
    padding: 0;
    list-style: none;
  }
  :is(aside, .checks) li {
    margin: 6px 0;
    overflow-wrap: anywhere;
  }
  :is(aside, .checks) .step {
    padding-left: 22px;
  }
  :is(aside, .checks) .step > .mark {
    margin-left: -22px;
    margin-right: 6px;
  }
  :is(aside, .checks) pre {
    margin: 4px 0;
    padding: 8px;
    border: 1px solid var(--border);
    border-radius: 6px;
    background: var(--ground);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    font-size: 12px;
  }
  :is(aside, .checks) blockquote {
    margin: 4px 0;
    padding-left: 8px;
    border-left: 3px solid var(--border);
  }
  .link {
    min-height: 24px;
    padding: 0 6px;
    text-align: left;
    overflow-wrap: anywhere;
  }
  .pages {
    display: flex;
    align-items: center;
    gap: 8px;
    margin: 8px 0;
  }
  @media (max-width: 700px) {
    header {
      padding: 8px;
    }
    .scroll {
      padding: 0 8px 8px;
    }
    .only-narrow {
      display: inline-flex;
    }
    .word {
      position: absolute;
      clip-path: inset(50%);
    }
    .filters:not(.open) {
      display: none;
    }
    .filters select {
      width: 100%;
    }
    aside {
      position: fixed;
      inset: 0;
      z-index: 3;
      border: 0;
    }
    table.rows thead {
      position: absolute;
      clip-path: inset(50%);
    }
    table.rows tr {
      display: block;
      padding: 6px 0;
      border-bottom: 1px solid var(--border);
    }
    table.rows td:last-child:not(:empty)::before {
      content: '→ ';
    }
    table.rows :is(td, th) {
      display: block;
      border: 0;
      padding: 0 4px;
    }
  }
`;

/** The build writes it to page.css. */
export const pageStyle = commonStyle + controls + pictureStyle + panel;
