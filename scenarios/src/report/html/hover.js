// Shows the time and the values under the pointer. The page says all it has to say without it.
(function () {
  var LEFT = 208, RIGHT = 988, ns = "http://www.w3.org/2000/svg";
  var plots = Array.prototype.slice.call(document.querySelectorAll("svg.plot"));
  var tip = document.createElement("div");
  tip.className = "tip"; tip.hidden = true; document.body.appendChild(tip);
  var crosses = plots.map(function (plot) {
    var line = document.createElementNS(ns, "line");
    line.setAttribute("class", "cross"); line.setAttribute("y1", 0);
    line.setAttribute("y2", plot.viewBox.baseVal.height); line.style.display = "none";
    plot.appendChild(line); return line;
  });
  function points(path) {
    if (path.points) return path.points;
    var out = [], y = 0;
    (path.getAttribute("d").match(/[MLHh][^MLHh]*/g) || []).forEach(function (piece) {
      var numbers = piece.slice(1).split(" ").map(Number), kind = piece[0];
      if (kind === "M" || kind === "L") { y = numbers[1]; out.push([numbers[0], y, kind]); }
      else if (kind === "H") out.push([numbers[0], y, "H"]);
    });
    return (path.points = out);
  }
  function height(path, x) {
    var list = points(path), low = 0, high = list.length - 1;
    if (!list.length || x < list[0][0] || x > list[high][0] + 2) return null;
    while (high - low > 1) { var mid = (low + high) >> 1; if (list[mid][0] <= x) low = mid; else high = mid; }
    var a = list[low], b = list[high];
    if (b[2] === "M" && x > a[0] + 2) return null;
    return b[0] > a[0] ? a[1] + (b[1] - a[1]) * Math.min(1, Math.max(0, (x - a[0]) / (b[0] - a[0]))) : a[1];
  }
  function clock(s) {
    var t = Math.round(Math.abs(s) * 10), m = Math.floor(t / 600), r = (t - m * 600) / 10;
    return (s < 0 && t ? "−" : "") + m + ":" + (r < 10 ? "0" : "") + r.toFixed(1);
  }
  function digits(v) { return Math.abs(v) >= 1000 ? v.toFixed(0) : String(Number(v.toPrecision(5))); }
  plots.forEach(function (plot) {
    plot.addEventListener("pointerleave", function () {
      tip.hidden = true; crosses.forEach(function (line) { line.style.display = "none"; });
    });
    plot.addEventListener("pointermove", function (event) {
      var box = plot.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * 1000;
      if (x < LEFT || x > RIGHT) { tip.hidden = true; return; }
      var data = plot.dataset, from = Number(data.from), to = Number(data.to);
      var text = clock(from + (x - LEFT) / (RIGHT - LEFT) * (to - from));
      crosses.forEach(function (line) {
        line.setAttribute("x1", x); line.setAttribute("x2", x); line.style.display = "";
      });
      if (data.low !== undefined) {
        var top = Number(data.top), bottom = Number(data.bottom), low = Number(data.low), high = Number(data.high);
        var at = (event.clientY - box.top) / box.width * 1000;
        Array.prototype.map.call(plot.querySelectorAll("path.line"), function (path) {
          return { y: height(path, x), name: path.dataset.name };
        }).filter(function (hit) { return hit.y !== null; }).sort(function (a, b) {
          return Math.abs(a.y - at) - Math.abs(b.y - at);
        }).slice(0, 6).forEach(function (hit) {
          text += "\n" + digits(low + (bottom - hit.y) / (bottom - top) * (high - low)) + " " + data.unit + "  " + hit.name;
        });
      }
      tip.textContent = text; tip.hidden = false;
      tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
      tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8) + "px";
    });
  });
})();
