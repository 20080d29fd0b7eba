import { Component, type ReactNode } from 'react';
import { ErrorPage } from './ErrorPage.js';

interface ErrorBoundaryProps {
  /** Whether the boundary is outside the shell. @default false */
  standalone?: boolean;
  children: ReactNode;
}

/** Shows an error page instead of a blank one. React logs the error to the browser's console. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return <ErrorPage standalone={this.props.standalone ?? false} />;
  }
}
