// What every module needs of the document.

/**
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {any} the first element that matches, or null
 */
export const $ = (selector, root = document) => root.querySelector(selector);

/**
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {any[]} every element that matches, in the order of the page
 */
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/**
 * @param {string} path of a page of ours, with a slash in front
 * @returns {string} its address: a proxy may serve all pages below a path
 */
export const address = path => new URL("." + path, $("link[rel=manifest]").href).href;

/**
 * Writes a text only where it differs, so that screen readers and selections are left alone.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Lets a screen reader say a text, without moving the focus.
 * @param {string} text
 */
export function announce(text) {
  const announcer = $("#announcer");
  if (!announcer) return;
  announcer.textContent = "";
  setTimeout(() => { announcer.textContent = text; }, 50); // a change is read, the same text again is not
}

/** @returns {boolean} whether the window is in view */
export const isInView = () => document.visibilityState === "visible";
