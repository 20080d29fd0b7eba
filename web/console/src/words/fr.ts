import type { Words } from './words.js';

export const fr: Words = {
  skip: 'Aller au contenu',
  nav: {
    label: 'Pages',
    integrations: 'Comptes connectés',
  },
  user: {
    numbered: (id) => `Utilisateur ${id}`,
    menu: (name) => `${name}, menu du compte`,
    beSomebodyElse: 'Voir la page en tant que',
    signOut: 'Se déconnecter',
    failed: 'Cela n’a pas fonctionné. Réessayez.',
    version: (version) => `Evergrant ${version}`,
  },
  closed: {
    title: 'Déconnecté',
    never: 'Cette page s’ouvre depuis votre application.',
    ended: 'Vous êtes déconnecté. Rouvrez cette page depuis votre application.',
    again: 'Se reconnecter',
  },
  failed: {
    title: 'Pas de réponse',
    text: 'Evergrant ne répond pas.',
    retry: 'Réessayer',
  },
  notFound: {
    title: 'Page introuvable',
    text: 'Il n’y a pas de page à cette adresse.',
    home: 'Aller aux comptes connectés',
  },
  broken: {
    title: 'Un problème est survenu',
    text: 'Un problème est survenu sur cette page. Vos comptes sont inchangés.',
    reload: 'Recharger',
  },
};
