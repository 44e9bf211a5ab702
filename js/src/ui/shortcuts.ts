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
