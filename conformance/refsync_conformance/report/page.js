(() => {
  "use strict";
  const rows = [...document.querySelectorAll("tr.row")];
  const find = document.getElementById("find");
  const boxes = [...document.querySelectorAll(".filters input[type=checkbox]")];
  const choices = [...document.querySelectorAll(".filters select")];
  const shown = document.getElementById("shown");

  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const axes = choices.map((choice) => choice.value).filter(Boolean);
    const cases = new Set();
    let count = 0;
    for (const row of rows) {
      const fits =
        words.every((word) => row.dataset.text.includes(word)) &&
        axes.every((axis) => row.dataset.axes.split(" ").includes(axis)) &&
        row.dataset.verdicts.split(" ").some((verdict) => wanted.has(verdict));
      row.hidden = !fits;
      if (!fits) row.nextElementSibling.hidden = true;
      count += fits;
      if (fits) cases.add(row.id);
    }
    shown.textContent = `${count} of ${rows.length} cases`;
    for (const one of document.querySelectorAll(".failure")) {
      one.hidden = !wanted.has(one.dataset.verdict) || !cases.has(one.dataset.case);
    }
    for (const square of document.querySelectorAll(".glance .cases a")) {
      square.classList.toggle("dim", !cases.has(square.getAttribute("href").slice(1)));
    }
  };

  const toggle = (row) => {
    row.nextElementSibling.hidden = !row.nextElementSibling.hidden;
  };

  find.addEventListener("input", apply);
  choices.forEach((choice) => choice.addEventListener("change", apply));
  boxes.forEach((box) => box.addEventListener("change", apply));
  rows.forEach((row) => {
    row.addEventListener("click", () => toggle(row));
    row.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        toggle(row);
      }
    });
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = button.previousElementSibling.textContent;
    const said = () => {
      button.textContent = "copied";
      setTimeout(() => (button.textContent = "copy"), 1200);
    };
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(text).then(said);
    } else {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      said();
    }
  });
  // A link to a case, a failure or a clause opens what it points at.
  const follow = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    target.hidden = false;
    if (target.matches("tr.row")) target.nextElementSibling.hidden = false;
    const folded = target.closest("details");
    if (folded) folded.open = true;
    target.scrollIntoView({ block: "center" });
  };
  window.addEventListener("hashchange", follow);
  apply();
  follow();
})();
