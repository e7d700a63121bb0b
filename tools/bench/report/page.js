"use strict";
// A click on a head sorts by its column, a second one the other way round; cells without a value come last.
for (const head of document.querySelectorAll("th")) {
  head.firstElementChild.addEventListener("click", () => {
    const body = head.closest("table").tBodies[0];
    const column = head.cellIndex;
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = (row) => {
      const cell = row.cells[column];
      const text = cell.dataset.value ?? cell.textContent;
      return text === "" || text === "-" || text === "None" ? null : cell.dataset.value === undefined ? text : Number(text);
    };
    const order = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
    const rows = [...body.rows].map((row) => [value(row), row]);
    rows.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : up ? order(a, b) : order(b, a)));
    body.append(...rows.map(([, row]) => row));
  });
}
