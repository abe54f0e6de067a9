// In a browser that is too old for the other scripts, leaves the page to the browser alone, and loads a wall anew, which
// nobody touches. Such a browser can't even read the others: this one is written as scripts were in 2009.
(function () {
  if ("CSSLayerBlockRule" in window) return;
  var elements = document.querySelectorAll("[hx-get], [hx-post]");
  for (var i = 0; i < elements.length; i++) {
    elements[i].removeAttribute("hx-get");
    elements[i].removeAttribute("hx-post");
  }
  document.documentElement.className += " old-browser";
  if (document.querySelector("body.wall")) setTimeout(function () { location.reload(); }, 60000);
})();
