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
  var loaded = new Date();
  if (document.querySelector("body.wall")) loadAnewLater();

  // A page that could not be loaded has no script that tries again: the wall asks first whether there is one.
  function loadAnewLater() {
    setTimeout(function () {
      var request = new XMLHttpRequest();
      request.open("GET", location.href);
      request.timeout = 30000;
      request.onreadystatechange = function () {
        if (request.readyState !== 4) return;
        if (request.status === 200) return location.reload();
        sayLost();
        loadAnewLater();
      };
      request.send();
    }, 60000);
  }

  function sayLost() {
    var lost = document.getElementById("display-lost");
    if (!lost) return;
    lost.querySelector("[data-heard]").textContent = Math.round((new Date() - loaded) / 60000) + " min";
    lost.removeAttribute("hidden");
  }
})();
