// What of a page is cut where no other measure looks: tables, titles, choices, and parts of rows. Gives sentences.
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
  for (const row of seen(".wall-row, .row, .row-line, .strip")) {
    const box = row.getBoundingClientRect();
    for (const part of [...row.children].filter(isSeen)) {
      const own = part.getBoundingClientRect();
      if (own.height && (own.bottom > box.bottom + 1 || own.top < box.top - 1)) say("out of its row", part);
    }
  }
  return wrong;
})()
