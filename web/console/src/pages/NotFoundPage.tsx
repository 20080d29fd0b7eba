import { Link } from 'wouter';
import { useStrings } from '../i18n/language.js';
import { Message } from './Message.js';

/** Shown for a path that has no page, with a link to the Integrations page. */
export function NotFoundPage() {
  const { notFound } = useStrings();
  return (
    <Message title={notFound.title} text={notFound.text}>
      <Link className="action" href="/integrations">
        {notFound.home}
      </Link>
    </Message>
  );
}
