// Pages link to files outside docs/, which GitHub shows and the book does not contain. Such a link
// becomes a link into the repository if book.toml names its address (git-repository-url), and
// otherwise text that names the file.
"use strict";

(() => {
    // mdBook sets `path_to_root` in every page.
    const book = new URL(path_to_root || "./", document.baseURI);
    const repository = document.querySelector("a[title='Git repository']")?.href
        .replace(/\/$/, "");

    for (const link of document.querySelectorAll("main a[href^='../']")) {
        // Resolved against a root of its own, so that the path is one in the repository.
        const page = document.baseURI.slice(book.href.length);
        const target = new URL(link.getAttribute("href"), new URL(page, "file:///docs/"));
        // mdBook has changed the endings of Markdown files.
        const path = target.pathname.slice(1).replace(/\.html$/, ".md");
        if (path.startsWith("docs/")) {
            continue;
        }
        if (repository) {
            link.href = `${repository}/blob/HEAD/${path}${target.hash}`;
            continue;
        }
        const text = document.createElement("span");
        text.append(...link.childNodes);
        if (text.textContent.replace(/\/$/, "") !== path) {
            text.append(` (${path})`);
        }
        text.title = "a file of the repository, not part of this book";
        link.replaceWith(text);
    }
})();
