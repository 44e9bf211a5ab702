/** The notebook's shortcuts, and what keeps them from a widget. */

/**
 * Keeps the notebook's own shortcuts (D D deletes the cell, M makes it Markdown …) from the keys that this element gets.
 *
 * Lumino looks for the attribute from the focused element upwards, and for a shortcut's selector at the same time: only on the
 * focused element itself it comes before `:focus`, by which JupyterLab selects. So each element gets it with the focus.
 */
export function suppressShortcuts(focused: Element): void {
  focused.setAttribute("data-lm-suppress-shortcuts", "true");
}

/** Gives the focus to the notebook cell around an element, where the notebook's own keys work; returns whether there is one. */
export function focusCell(element: Element): boolean {
  // JupyterLab and Notebook 7 make the notebook focusable, and older versions the cell.
  const cell = element.closest<HTMLElement>(".jp-Cell");
  const target = [cell, element.closest<HTMLElement>(".jp-Notebook")].find((one) => one?.hasAttribute("tabindex"));
  target?.focus({ preventScroll: true });
  return target !== undefined && target !== null;
}
