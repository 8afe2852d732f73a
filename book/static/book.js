// What every page does by itself: previews of references, and a CSV of each table of results.

document.documentElement.dataset.mode ||= "auto"; // else the theme reports its own default as an error

/** Say what parts of the page are where the theme and docutils do not say it, or say it wrongly. */
function roles() {
  const sidebar = document.querySelector(".bd-sidebar-primary");
  sidebar.role = "complementary";
  sidebar.ariaLabel = "Book";
  document.querySelectorAll(".citation-list, .citation").forEach((part) => part.removeAttribute("role"));
  for (const head of document.querySelectorAll("th"))
    if (!head.textContent.trim()) head.role = "cell"; // it is the head of nothing
}

/** Have Bootstrap, which the theme loads, show the titles that isoae_lib.book.previews wrote. */
function previews() {
  for (const link of document.querySelectorAll("article a.internal[title]")) {
    link.dataset.bsToggle = "tooltip";
    link.dataset.bsCustomClass = "preview";
    link.addEventListener("inserted.bs.tooltip", () =>
      window.MathJax?.typesetPromise?.([...document.querySelectorAll(".preview")]));
  }
}

/** Return the rows of a table. A cell that spans several stands in each of them. */
function cells(table) {
  const grid = Array.from(table.rows, () => []);
  [...table.rows].forEach((row, y) => {
    for (const cell of row.cells) {
      const words = cell.cloneNode(true);
      for (const part of words.querySelectorAll("br, details, small, summary")) {
        part.before(" ");
        part.after(" ");
      }
      const text = words.textContent.replace(/\s+/g, " ").trim();
      let x = 0;
      while (grid[y][x] !== undefined) x++;
      for (let down = 0; down < cell.rowSpan; down++)
        for (let right = 0; right < cell.colSpan; right++) grid[y + down][x + right] = text;
    }
  });
  return grid;
}

/** Put a link below each table of results, which saves it. */
function downloads() {
  const page = location.pathname.split("/").pop().replace(".html", "");
  const tables = document.querySelectorAll(".cell_output table:not(.provenance table)");
  [...tables].forEach((table, k) => {
    const quoted = (text) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = cells(table).map((row) => row.map(quoted).join(","));
    const heading = table.closest("section")?.querySelector("h1, h2, h3, h4")?.firstChild;
    const link = document.createElement("a");
    // a spreadsheet takes the text as UTF-8 if it begins with this mark
    link.href = "data:text/csv;charset=utf-8," + encodeURIComponent(`\ufeff${lines.join("\r\n")}`);
    link.download = `${page}-table-${k + 1}.csv`;
    link.className = "csv";
    link.textContent = "CSV";
    link.setAttribute("aria-label", `CSV of table ${k + 1} on this page: ${heading?.textContent}`);
    table.after(link);
  });
}

// The page is read, but the theme's scripts and MathJax have not run yet.
document.addEventListener("readystatechange", () => { roles(); previews(); downloads(); }, { once: true });
