// What of a page is cut where no other measure looks: tables, titles, choices, IDs, and parts of rows; what stands too
// close, lower than its neighbour, or ragged; dates in another form than the page's; and what looks like an unknown
// outcome and is none. Gives sentences.
(() => {
  const wrong = [];
  const say = (what, element) => wrong.push(`${what}: «${element.innerText.trim().replace(/\s+/g, " ").slice(0, 80)}»`);
  const isSeen = element => element.checkVisibility({visibilityProperty: true});
  const seen = selector => [...document.querySelectorAll(selector)].filter(isSeen);
  const canvas = document.createElement("canvas").getContext("2d");
  // Its shorthand is empty where a font has variants, and the canvas would keep a font of its own.
  const fontOf = ({fontWeight, fontSize, fontFamily}) => `${fontWeight} ${fontSize} ${fontFamily}`;
  for (const table of seen(".scroll").filter(e => e.querySelector("table") && e.scrollWidth > e.clientWidth + 1)) {
    say(`a table cut by ${table.scrollWidth - table.clientWidth} px`, table);
  }
  for (const title of seen(".bar .place > :first-child").filter(e => (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 3))) {
    say("a title that is cut", title);
  }
  // A name that others gave may end in an ellipsis; words of ours are whole.
  const isNamed = list => list.value && list.matches("[name=line], [name=person]");
  for (const list of seen("select").filter(e => e.selectedOptions[0] && !isNamed(e))) {
    const {paddingInlineStart, paddingInlineEnd} = getComputedStyle(list);
    canvas.font = fontOf(getComputedStyle(list));
    const wide = canvas.measureText(list.selectedOptions[0].label).width + parseFloat(paddingInlineStart) + parseFloat(paddingInlineEnd) + 14;
    if (wide > list.clientWidth + 1) say(`a choice that is cut by ${Math.round(wide - list.clientWidth)} px`, list);
  }
  for (const field of seen(".date-field > input").filter(e => e.placeholder)) {
    const {letterSpacing, paddingInlineStart} = getComputedStyle(field);
    canvas.font = fontOf(getComputedStyle(field));
    canvas.letterSpacing = letterSpacing === "normal" ? "0px" : letterSpacing;
    const wide = canvas.measureText(field.placeholder).width + parseFloat(paddingInlineStart);
    if (wide > field.clientWidth + 1) wrong.push(`the form of a date that is cut by ${Math.round(wide - field.clientWidth)} px: «${field.placeholder}»`);
  }
  for (const id of seen(".strip .key")) if (id.scrollWidth > id.clientWidth + 1) say("an ID that is cut", id);
  for (const element of seen(".card, .strip")) {
    let next = element.nextElementSibling;
    while (next && !(isSeen(next) && next.offsetHeight)) next = next.nextElementSibling;
    if (!next || ["fixed", "absolute", "sticky"].includes(getComputedStyle(next).position)) continue;
    const [a, b] = [element.getBoundingClientRect(), next.getBoundingClientRect()];
    const isBelow = b.top >= a.top && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2;
    if (isBelow && b.top - a.bottom < 7.5) say(`${Math.round(b.top - a.bottom)} px below what is above it`, next);
  }
  for (const card of seen(".card:not(.plots > *)")) {
    const a = card.getBoundingClientRect();
    const below = [...card.parentElement.children].filter(e => isSeen(e) && e !== card).map(e => e.getBoundingClientRect())
      .filter(b => b.height && b.top >= a.bottom && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2);
    const gap = Math.min(...below.map(b => b.top)) - a.bottom;
    if (below.length && gap > 60) say(`a hole of ${Math.round(gap)} px`, card);
  }
  // Beside any earlier card of its grid, not only the one before it.
  for (const card of seen(".card").filter(e => /grid|flex/.test(getComputedStyle(e.parentElement).display))) {
    const b = card.getBoundingClientRect();
    for (let other = card.previousElementSibling; other; other = other.previousElementSibling) {
      const a = other.getBoundingClientRect();
      const lower = b.top - a.top;
      if (other.matches(".card") && a.width && b.left >= a.right && lower > 2 && lower < 48) say(`beside a card, ${Math.round(lower)} px lower`, card);
    }
  }
  const [sections, part] = [".admin .sections", ".admin-part > :not(:empty)"].map(selector => seen(selector).find(e => e.offsetHeight)?.getBoundingClientRect());
  if (part && part.left >= sections.right && Math.abs(part.top - sections.top) > 2) wrong.push(`a page ${Math.round(part.top - sections.top)} px lower than the sections beside it`);
  // A column is one: what stands in it begins at one place.
  for (const column of [".person-row > :nth-child(2)", ".items:not(.waits) .item-what", ".waits .item-what"]) {
    const places = new Set(seen(column).map(e => e.getBoundingClientRect()).filter(b => b.width).map(b => Math.round(b.left)));
    if (places.size > 1) wrong.push(`a ragged column, ${column}: ${[...places].join(", ")}`);
  }
  for (const age of seen("[data-age]")) {
    const a = age.getBoundingClientRect();
    const box = [...(function* () { for (let e = age.parentElement; e; e = e.parentElement) yield e; })()].find(e => getComputedStyle(e).overflowX === "hidden")?.getBoundingClientRect();
    if (box && a.width && a.top < box.bottom && a.left < box.right && a.right > box.right + 1) say("an age that is cut", age);
  }
  for (const id of seen(".order-head .key").filter(e => e.getBoundingClientRect().height > innerHeight / 3)) say("an ID that fills the page", id);
  for (const fact of seen(".facts .code").filter(e => e.innerText.length <= 20)) {
    const lines = document.createRange();
    lines.selectNodeContents(fact);
    if (lines.getBoundingClientRect().height > 1.6 * parseFloat(getComputedStyle(fact).lineHeight)) say("a code that is broken", fact);
  }
  for (const field of seen("input:is([type=date], [type=time], [type=datetime-local], [type=month], [type=week]):not(.calendar)")) {
    wrong.push("a date in the form of the browser: " + field.outerHTML.slice(0, 120));
  }
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT, node =>
    node.data.trim() && isSeen(node.parentElement) && !node.parentElement.closest("svg, .hidden-text, code, pre, .key, option, script, style") ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT);
  const edge = (node, at) => {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return range.getBoundingClientRect();
  };
  const isClipped = element => element && (getComputedStyle(element).clipPath !== "none" || isClipped(element.parentElement)); // it is for readers
  for (let before = texts.nextNode(), after = texts.nextNode(); after; before = after, after = texts.nextNode()) {
    const [first, next] = [before.data.trimEnd(), after.data.trimStart()];
    if (!/[\p{L}\p{N}]$/u.test(first) || !/^[\p{L}\p{N}]/u.test(next)) continue;
    const [a, b] = [edge(before, first.length - 1), edge(after, after.data.length - next.length)];
    const isBeside = a.height && b.height && b.left - a.right > -1 && b.left - a.right < 2 && b.top < a.bottom && b.bottom > a.top;
    if (isBeside && !isClipped(after.parentElement) && !isClipped(before.parentElement)) wrong.push(`words without a space: «${first.slice(-30)}» «${next.slice(0, 30)}»`);
  }
  for (const icon of seen(":not(svg) > .icon")) {
    const next = icon.nextElementSibling;
    if (!next || !isSeen(next) || next.matches(".icon") || getComputedStyle(next).position === "absolute") continue;
    const [a, b] = [icon.getBoundingClientRect(), next.getBoundingClientRect()];
    if (b.width > 1 && b.left >= a.left && b.left - a.right < 2.5 && b.top < a.bottom && b.bottom > a.top) say("an icon at its text", next);
  }
  for (const row of seen(".wall-row, .row, .row-line, .strip")) {
    const box = row.getBoundingClientRect();
    for (const part of [...row.children].filter(isSeen)) {
      const own = part.getBoundingClientRect();
      if (own.height && (own.bottom > box.bottom + 1 || own.top < box.top - 1)) say("out of its row", part);
    }
  }
  // Dashed amber is for unknown outcomes alone.
  const amber = document.createElement("p");
  amber.style.color = "var(--amber)";
  document.body.append(amber);
  const colour = getComputedStyle(amber).color;
  amber.remove();
  for (const element of seen("main *")) {
    const {borderTopStyle, borderTopColor, borderTopWidth} = getComputedStyle(element);
    if (borderTopStyle === "dashed" && borderTopColor === colour && parseFloat(borderTopWidth) && !element.matches("[class*='-unknown'], .lane-trouble, .lost-sent")) say("dashed amber", element);
  }
  return wrong;
})()
