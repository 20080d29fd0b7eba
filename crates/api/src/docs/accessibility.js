// Completes the markup that Swagger UI renders, for keyboards and screen readers.
(() => {
  /** Sets an attribute of each element that matches `selector`, or removes it if `value` is null. */
  const set = (selector, name, value) => {
    for (const element of document.querySelectorAll(selector)) {
      if (element.getAttribute(name) === value) continue;
      if (value === null) element.removeAttribute(name);
      else element.setAttribute(name, value);
    }
  };

  const complete = () => {
    // A button may not contain a link. Opening the operation puts the same address into the address bar.
    set('.opblock-summary-control a[href]', 'href', null);
    set('.opblock-tag', 'aria-level', '2');
    set('.opblock-tag-section h4', 'aria-level', '3');
    set('.opblock-tag-section h5', 'aria-level', '4');
    set('.models > h4, .dialog-ux h3', 'aria-level', '2');
    set('.dialog-ux h4', 'aria-level', '3');
    set('.close-modal', 'aria-label', 'Close');
    // An example may scroll.
    set('pre.microlight', 'tabindex', '0');
    // Its text names it.
    set('.modal-btn.authorize', 'aria-label', null);
    set('.servers select', 'aria-label', 'Server');
    set('textarea.body-param__text', 'aria-label', 'Request body');
    set('.copy-to-clipboard button, button.copy-to-clipboard', 'aria-label', 'Copy');
    set('.responses-table[role=region]', 'role', null);
  };

  new MutationObserver(complete).observe(document.documentElement, { childList: true, subtree: true });
})();
