import { Link } from 'wouter';
import { useWords } from '../words/language.js';
import { Message } from './Message.js';

export function NotFoundPage() {
  const { notFound } = useWords();
  return (
    <Message title={notFound.title} text={notFound.text}>
      <Link className="action" href="/integrations">
        {notFound.home}
      </Link>
    </Message>
  );
}
