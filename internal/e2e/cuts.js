// What of a page is cut where no other measure looks: tables, titles, choices, IDs, and parts of rows; what stands too
// close; and what looks like an unknown outcome and is none. Gives sentences.
(() => {
  const wrong = [];
  const say = (what, element) => wrong.push(`${what}: «${element.innerText.trim().replace(/\s+/g, " ").slice(0, 80)}»`);
  const isSeen = element => element.checkVisibility({visibilityProperty: true});
  const seen = selector => [...document.querySelectorAll(selector)].filter(isSeen);
  const canvas = document.createElement("canvas").getContext("2d");
  for (const table of seen(".scroll").filter(e => e.querySelector("table") && e.scrollWidth > e.clientWidth + 1)) {
    say(`a table cut by ${table.scrollWidth - table.clientWidth} px`, table);
  }
  for (const title of seen(".bar .place > :first-child").filter(e => (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 3))) {
    say("a title that is cut", title);
  }
  for (const list of seen("select").filter(e => e.selectedOptions[0])) {
    const {font, paddingInlineStart, paddingInlineEnd} = getComputedStyle(list);
    canvas.font = font;
    const wide = canvas.measureText(list.selectedOptions[0].label).width + parseFloat(paddingInlineStart) + parseFloat(paddingInlineEnd) + 14;
    if (wide > list.clientWidth + 1) say(`a choice that is cut by ${Math.round(wide - list.clientWidth)} px`, list);
  }
  for (const field of seen(".date-field > input").filter(e => e.placeholder)) {
    const {font, letterSpacing, paddingInlineStart} = getComputedStyle(field);
    canvas.font = font;
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
