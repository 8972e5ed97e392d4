(() => {
  "use strict";
  const rows = [...document.querySelectorAll("tr.row")];
  const find = document.getElementById("find");
  const boxes = [...document.querySelectorAll(".filters input[type=checkbox]")];
  const shown = document.getElementById("shown");

  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let count = 0;
    for (const row of rows) {
      const fits =
        words.every((word) => row.dataset.text.includes(word)) &&
        row.dataset.verdicts.split(" ").some((verdict) => wanted.has(verdict));
      row.hidden = !fits;
      if (!fits) row.nextElementSibling.hidden = true;
      count += fits;
    }
    shown.textContent = `${count} of ${rows.length} cases`;
    for (const one of document.querySelectorAll(".failure")) {
      one.hidden = !wanted.has(one.dataset.verdict);
    }
  };

  const toggle = (row) => {
    row.nextElementSibling.hidden = !row.nextElementSibling.hidden;
  };

  find.addEventListener("input", apply);
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
  apply();
})();
