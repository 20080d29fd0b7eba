import type { Strings } from './strings.js';

/** French strings of the console. */
export const fr: Strings = {
  skip: 'Aller au contenu',
  back: (app) => `Retour à ${app}`,
  nav: {
    label: 'Principale',
    integrations: 'Comptes connectés',
  },
  user: {
    numbered: (id) => `Utilisateur ${id}`,
    menu: (name) => `${name}, menu du compte`,
    viewAs: 'Voir en tant que',
    signOut: 'Se déconnecter',
    failed: 'Un problème est survenu. Réessayez.',
    version: (version) => `Evergrant ${version}`,
  },
  signedOut: {
    title: 'Déconnecté',
    noSession: 'Pour afficher cette page, ouvrez-la depuis votre application.',
    sessionEnded: 'Vous êtes déconnecté. Pour vous reconnecter, ouvrez cette page depuis votre application.',
    signInAgain: 'Se reconnecter',
  },
  unavailable: {
    title: 'Indisponible',
    text: (app) => `${app} ne répond pas.`,
    retry: 'Réessayer',
  },
  notFound: {
    title: 'Page introuvable',
    text: 'Cette page n’existe pas.',
    home: 'Aller aux comptes connectés',
  },
  error: {
    title: 'Un problème est survenu',
    text: 'Un problème est survenu sur cette page. Vos comptes ne sont pas affectés.',
    reload: 'Recharger',
  },
};
