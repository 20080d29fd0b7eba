/** An observable value, in the form that React's `useSyncExternalStore` takes. */
export interface Store<T> {
  /** Returns the value. */
  get(): T;
  /** Replaces the value and notifies the listeners, unless it is the same. */
  set(value: T): void;
  /** Calls `listener` after each change. Returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void;
}

/** Creates a store with an initial value. */
export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (next === value) return;
      value = next;
      notifyAll(listeners);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Calls each listener. An exception is passed to `reportError` and affects neither the caller nor the other listeners. */
export function notifyAll<A extends unknown[]>(listeners: Iterable<(...args: A) => void>, ...args: A): void {
  for (const listener of listeners) {
    try {
      listener(...args);
    } catch (thrown) {
      reportError(thrown);
    }
  }
}
