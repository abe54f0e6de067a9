// Changing values in place, where a page has the same shape as before.

// Two that differ in one of these show something else.
const identifying = ["href", "action", "id", "name", "data-row", "data-kind", "data-live"];

// Set by scripts, or by the reader.
const keptAttributes = new Set(["hidden", "title", "disabled", "open", "data-said", "aria-disabled", "tabindex"]);

const isElement = node => node.nodeType === Node.ELEMENT_NODE;
const isMark = node => isElement(node) && node.matches(".mark");
const isAddedByScript = node => isElement(node) && node.matches(".updates, .lost");
const childrenOf = node => [...node.childNodes].filter(child => !isAddedByScript(child));

/**
 * @param {Node} node
 * @param {Node} fresh
 * @returns {boolean} whether the node can become the other by changing values alone
 */
export function canPatch(node, fresh) {
  if (node.nodeType !== fresh.nodeType || node.nodeName !== fresh.nodeName) return false;
  if (!isElement(node) || isMark(node) && isMark(fresh)) return true;
  const differs = name => node.getAttribute(name) !== fresh.getAttribute(name);
  if (identifying.some(differs)) return false;
  if (node.matches("input, form[data-busy], form[data-busy] *") && differs("value")) return false;
  if (node.matches("svg")) return node.innerHTML === fresh.innerHTML;
  const children = childrenOf(node);
  const freshChildren = childrenOf(fresh);
  return children.length === freshChildren.length && children.every((child, i) => canPatch(child, freshChildren[i]));
}

/**
 * Takes over the values of a node that {@link canPatch} allows.
 * @param {any} node
 * @param {any} fresh
 */
export function patch(node, fresh) {
  if (node.nodeType === Node.TEXT_NODE) {
    const isRunning = node.parentNode.matches("[data-age], [data-clock]");
    if (node.data !== fresh.data && !isRunning) node.data = fresh.data;
    return;
  }
  if (!isElement(node) || node.isEqualNode(fresh)) return;
  if (isMark(node)) {
    node.replaceWith(fresh.cloneNode(true));
    return;
  }
  for (const { name, value } of fresh.attributes) {
    if (!keptAttributes.has(name) && node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  const freshChildren = childrenOf(fresh);
  childrenOf(node).forEach((child, i) => patch(child, freshChildren[i]));
}
