// What of a page is not as a screen at a packaging line must be, measured as the page stands. An expression that takes the
// rules of the size and gives sentences: {target, body, key} in CSS pixels, key being 0 where the page shows no key data, or
// {colours: true} for its colours alone.
(rules => {
  const wrong = [];
  const say = (what, element) => wrong.push(what + ": " + describe(element));
  const describe = element => {
    const copy = element.cloneNode();
    for (const name of ["hx-get", "hx-post", "hx-target", "hx-select", "hx-swap", "data-done", "data-failed", "data-copy", "title"]) copy.removeAttribute?.(name);
    const text = (element.innerText ?? element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 60);
    return copy.outerHTML.slice(0, 160) + " «" + text + "»";
  };
  // The page stands still while it is measured, so that what was asked once holds.
  const once = ask => {
    const known = new Map();
    return key => known.has(key) ? known.get(key) : known.set(key, ask(key)).get(key);
  };
  const style = once(element => getComputedStyle(element));
  // What is clipped away is for screen readers.
  const clipped = once(element => element !== null && (style(element).clipPath !== "none" || clipped(element.parentElement)));
  const seen = element => element.checkVisibility({visibilityProperty: true}) && !element.closest(".skip") && !clipped(element);
  const hasText = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim() !== "");
  const isField = element => element.matches("input:not([type=hidden], [type=checkbox], [type=radio], [type=file]), select, textarea");
  const round = n => Math.round(n * 10) / 10;
  const all = [...document.body.querySelectorAll("*")].filter(seen);
  const keyData = ".key, .serial, .line-name, .lane h2 a, main h1";

  // ---- Contrast ----

  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const colour = once(text => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  });
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const ground = once(element => {
    if (!element) return colour(style(document.documentElement).backgroundColor);
    const own = colour(style(element).backgroundColor);
    return own[3] === 1 ? own : own[3] === 0 ? ground(element.parentElement) : over(own, ground(element.parentElement));
  });
  const opacity = once(element => element ? style(element).opacity * opacity(element.parentElement) : 1);
  const light = ([r, g, b]) => [[r, .2126], [g, .7152], [b, .0722]].reduce((sum, [v, weight]) => {
    v /= 255;
    return sum + weight * (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  }, 0);
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + .05) / (y + .05);
  };
  const readable = element => {
    const {color, fontSize, fontWeight} = style(element);
    const size = parseFloat(fontSize), under = ground(element);
    const [r, g, b, a] = colour(color);
    return {
      ratio: contrast(over([r, g, b, a * opacity(element)], under), under),
      needed: size >= 24 || size >= 18.66 && fontWeight >= 700 ? 3 : 4.5,
    };
  };
  for (const element of all.filter(e => (hasText(e) || isField(e)) && !e.matches("option, optgroup, :disabled") && !e.closest("svg, [aria-disabled=true]"))) {
    const {ratio, needed} = readable(element);
    if (ratio < needed) say(`text in ${round(ratio)}:1`, element);
  }
  for (const element of all.filter(e => e.matches(keyData + ", :is(" + keyData + ") *") && e.innerText?.trim() && !e.closest("small, .mark"))) {
    const under = ground(element);
    const ratio = contrast(over(colour(style(element).color), under), under);
    if (ratio < 7) say(`key data in ${round(ratio)}:1`, element);
  }
  for (const icon of all.filter(e => e.matches(".mark .icon, button .icon, a .icon, .result > .icon, .problem > .icon"))) {
    const under = ground(icon.parentElement);
    const ratio = contrast(over(colour(style(icon).color), under), under);
    if (ratio < 3) say(`an icon in ${round(ratio)}:1`, icon.parentElement);
  }
  for (const control of all.filter(e => isField(e) || e.matches(".mark"))) {
    const edge = style(control);
    if (parseFloat(edge.borderTopWidth) === 0 || edge.borderTopStyle === "none") continue;
    const ratio = Math.max(contrast(colour(edge.borderTopColor), ground(control.parentElement)), contrast(colour(edge.borderTopColor), ground(control)));
    if (ratio < 3) say(`an edge in ${round(ratio)}:1`, control);
  }
  if (rules.colours) return wrong;

  // ---- Targets ----

  // A link within a sentence is a word of it: its line has other text beside it.
  const inSentence = link => {
    if (link.tagName !== "A" || style(link).display !== "inline") return false;
    let block = link.parentElement;
    while (style(block).display === "inline") block = block.parentElement;
    return [...block.childNodes].some(node => node !== link && !node.contains?.(link) && node.nodeType === 3 && /\p{L}/u.test(node.data)) ||
      [...block.querySelectorAll("*")].some(e => !e.closest("a") && [...e.childNodes].some(n => n.nodeType === 3 && /\p{L}/u.test(n.data)) && style(e).display === "inline");
  };
  const areaOf = element => {
    const label = element.matches("input[type=checkbox], input[type=radio]") && element.closest("label");
    const own = element.getBoundingClientRect();
    if (!label) return own;
    const more = label.getBoundingClientRect();
    return new DOMRect(Math.min(own.left, more.left), Math.min(own.top, more.top),
      Math.max(own.right, more.right) - Math.min(own.left, more.left), Math.max(own.bottom, more.bottom) - Math.min(own.top, more.top));
  };
  // What lies over the page is not beside what is under it.
  const fixed = element => {
    for (let e = element; e; e = e.parentElement) if (["fixed", "sticky"].includes(style(e).position) || e.matches(".menu-panel")) return e;
    return null;
  };
  // What is scrolled out of view can't be touched.
  const inView = element => {
    let {left, top, right, bottom} = areaOf(element);
    for (let e = element.parentElement; e && e !== document.body; e = e.parentElement) {
      if (style(e).overflowX === "visible" && style(e).overflowY === "visible") continue;
      const box = e.getBoundingClientRect();
      [left, top, right, bottom] = [Math.max(left, box.left), Math.max(top, box.top), Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    return right > left && bottom > top ? new DOMRect(left, top, right - left, bottom - top) : null;
  };
  const targets = all.filter(e => e.matches("a[href], button, input:not([type=hidden]), select, textarea, summary") && !inSentence(e))
    .map(element => ({element, at: areaOf(element), layer: fixed(element)})).filter(({at}) => at.width > 0 && at.height > 0);
  for (const {element, at} of targets) {
    if (at.width < rules.target - 0.5 || at.height < rules.target - 0.5) say(`target of ${round(at.width)}×${round(at.height)}`, element);
    if (element.matches(".release") && at.height < 100) say(`Release of ${round(at.height)} in height`, element);
  }
  for (const target of targets) target.seen = inView(target.element);
  const between = (a, b) => Math.hypot(Math.max(0, a.left - b.right, b.left - a.right), Math.max(0, a.top - b.bottom, b.top - a.bottom));
  for (let i = 0; i < targets.length; i++) {
    for (let j = i + 1; j < targets.length; j++) {
      const [a, b] = [targets[i], targets[j]];
      if (a.layer !== b.layer || a.element.contains(b.element) || b.element.contains(a.element)) continue;
      if (!a.seen || !b.seen) continue;
      const gap = between(a.seen, b.seen);
      if (gap < 7.5) say(`${round(gap)} px from ${describe(a.element)}`, b.element);
      const release = [a, b].find(x => x.element.matches(".release"));
      const other = release === a ? b : a;
      // What is filled in for a release is a part of it.
      if (release && gap < 48 && !(other.element.form === release.element.form && other.element.matches("input, select, textarea"))) {
        say(`${round(gap)} px from Release`, other.element);
      }
    }
  }

  // ---- Type ----

  for (const element of all) {
    const field = element.matches("input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea");
    if (!hasText(element) && !field || element.matches("option, optgroup, title, script, noscript")) continue;
    const size = parseFloat(style(element).fontSize);
    if (size > 0 && size < rules.body - 0.1) say(`type of ${round(size)} px`, element);
    // A bar has room for a long name, and that of a phone for any, in small letters; the page says it in large ones.
    if (rules.key && element.closest(keyData) && !element.matches(".long-name") && (rules.target === 48 || !element.closest(".bar")) && !element.closest("small, .mark") && size < rules.key - 0.1) say(`key data of ${round(size)} px`, element);
  }

  // ---- Boxes ----

  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`the page is ${root.scrollWidth} px wide`);
  for (const element of all) {
    if (element.closest("svg, pre, .scroll") && !element.matches("pre, .scroll") || element.clientWidth === 0) continue;
    if (element.matches(".menu")) continue; // its panel lies over the page
    const {overflowX, overflowY, textOverflow, webkitLineClamp} = style(element);
    const wide = element.scrollWidth > element.clientWidth + 1;
    if (wide && overflowX === "visible" && ![...element.children].some(c => c.scrollWidth > c.clientWidth + 1 && style(c).overflowX === "visible" && c.clientWidth)) {
      say(`${element.scrollWidth - element.clientWidth} px out of its box`, element);
    }
    if (wide && overflowX === "hidden" && textOverflow !== "ellipsis") say("cut at its side", element);
    if (overflowY === "hidden" && webkitLineClamp === "none" && element.scrollHeight > element.clientHeight + 1) say("cut at its foot", element);
  }
  for (const button of all.filter(e => e.matches("button, .button, .mark"))) {
    const box = button.getBoundingClientRect();
    const text = document.createRange();
    text.selectNodeContents(button);
    if ([...button.querySelectorAll("*")].some(clipped)) continue;
    for (const line of text.getClientRects()) {
      if (line.width && (line.left < box.left - 1 || line.right > box.right + 1 || line.top < box.top - 2 || line.bottom > box.bottom + 2) && seen(button)) {
        say("text beside its button", button);
        break;
      }
    }
  }
  for (const strip of all.filter(e => e.matches(".bar .strip"))) {
    const {top} = document.querySelector(".bar").getBoundingClientRect();
    if (strip.getBoundingClientRect().top - top < 63) say("within the row of the bar", strip);
  }
  // What stands side by side does not lie on each other.
  for (const parent of all.filter(e => /grid|flex/.test(style(e).display))) {
    const parts = [...parent.children].filter(e => seen(e) && !["absolute", "fixed", "sticky"].includes(style(e).position));
    const boxes = parts.map(part => part.getBoundingClientRect());
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2) {
        say(`lies on ${describe(parts[i + 1 + j])}`, parts[i]);
      }
    }));
  }
  return wrong;
})
