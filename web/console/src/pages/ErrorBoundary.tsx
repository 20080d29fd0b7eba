import { Component, type ReactNode } from 'react';
import { BrokenPage } from './BrokenPage.js';

interface ErrorBoundaryProps {
  /** Without the shell around it. */
  alone?: boolean;
  children: ReactNode;
}

/** Shows that something went wrong instead of an empty page. React writes the cause to the browser's console. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? <BrokenPage alone={this.props.alone ?? false} /> : this.props.children;
  }
}
