// Rows in the order of a column, where a reader clicks its heading; a third click restores the order of the page.
(() => {
  for (const table of document.querySelectorAll("table.bars, table.plain")) {
    const body = table.tBodies[0], rows = [...body.rows];
    if (rows.length < 4) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "sort" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { none: "descending", descending: "ascending", ascending: "none" }[head.getAttribute("aria-sort") || "none"];
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        if (next !== "none") head.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const value = (row) => {
          const words = row.cells[column].textContent.trim(), found = parseFloat(words.replace(/[^\d.+-].*$/, ""));
          return Number.isNaN(found) ? words : found;
        };
        const order = next === "none" ? rows : [...rows].sort((a, b) => {
          const [x, y] = [value(a), value(b)];
          return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
        });
        body.append(...order);
      });
    });
  }
})();
