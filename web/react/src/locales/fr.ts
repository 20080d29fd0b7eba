import type { Messages } from '../messages/types.js';

const plural = (count: number, one: string, many: string) => (count < 2 ? one : many);

/** French. */
export const fr: Messages = {
  locale: 'fr',
  dir: 'ltr',
  page: {
    title: 'Comptes connectés',
    intro: 'Connectez les comptes que vous voulez utiliser ici. Vous pouvez les déconnecter à tout moment.',
    search: 'Chercher une plateforme',
    nothingFound: (query) => `Aucune plateforme ne s’appelle « ${query} ».`,
    empty: 'Il n’y a pas encore de plateforme à connecter.',
    loading: 'Chargement de vos comptes',
  },
  card: {
    connect: 'Connecter',
    connectTo: (provider) => `Connecter ${provider}`,
    connectAnother: 'Connecter un autre compte',
    connecting: 'Connexion…',
    tryAgain: 'Réessayer',
    through: (name) => `Par ${name}`,
    session: 'Utilise une session de votre navigateur',
    notSetUp: 'Pas encore configuré',
    permissions: (granted, total) =>
      granted === null || granted === total ? 'Autorisations' : `Autorisations, ${granted} sur ${total}`,
    granted: (permission) => `${permission}, accordée`,
    notGranted: (permission) => `${permission}, non accordée`,
  },
  status: {
    connected: 'Connecté',
    expiring: 'Expire bientôt',
    expired: 'À reconnecter',
    error: 'Interrompu',
    none: 'Non connecté',
    renewing: 'Renouvellement',
  },
  reasons: {
    revoked: (provider) => `L’accès a été retiré sur ${provider}.`,
    refused: (provider) => `${provider} vous demande de vous identifier à nouveau.`,
    ended: 'La session est terminée.',
    lost: 'Le dernier renouvellement a été coupé en chemin.',
    unavailable: (provider, next) =>
      `${provider} ne répond pas. Rien n’est perdu${next ? ` ; prochain essai ${next}` : ''}.`,
    actionNeeded: (provider) => `${provider} veut d’abord que vous y confirmiez quelque chose.`,
    ours: 'Un problème est survenu de notre côté. Rien n’est perdu.',
    scopes: (labels) => `Non accordé : ${labels}.`,
    unverified: 'Cette session n’a pas encore pu être vérifiée.',
    expiring: (when) => `Expire ${when ?? 'bientôt'} ; vous seul pouvez la renouveler.`,
  },
  account: {
    actions: (name) => `Actions pour ${name}`,
    doFor: (action, name) => `${action} : ${name}`,
    reconnect: 'Reconnecter',
    allow: 'Accorder',
    tryNow: 'Réessayer',
    copyReference: 'Copier la référence',
    copied: 'Copié.',
  },
  outage: {
    stale: (when) =>
      `La connexion est perdue. Ce que vous voyez ${when ? `date de ${when}` : 'est peut-être ancien'}.`,
    failed: 'Vos comptes n’ont pas pu être chargés.',
    nextTry: (seconds) => `Prochain essai dans ${seconds}`,
    tryNow: 'Réessayer',
  },
  inApp: {
    text: 'Le navigateur de cette application ne permet pas de connecter un compte. Ouvrez cette page dans le vôtre.',
    copyLink: 'Copier le lien',
  },
  menu: {
    renew: 'Renouveler maintenant',
    disconnect: 'Déconnecter…',
    renewed: (when) => `Renouvelé ${when}`,
    connected: (when) => `Connecté ${when}`,
    nextRenewal: (when) => `prochain ${when}`,
  },
  flow: {
    starting: (provider) => `Ouverture de ${provider}…`,
    waiting: 'Terminez dans la fenêtre qui vient de s’ouvrir.',
    unsure: 'La fenêtre s’est-elle fermée avant la fin ?',
    reopen: 'La rouvrir',
    cancel: 'Annuler',
    tryAgainIn: (seconds) => `Réessayez dans ${seconds}`,
  },
  choose: {
    title: (provider) => `Quels comptes ${provider} ?`,
    intro: 'Vous avez donné accès à plusieurs comptes. Choisissez ceux que vous voulez utiliser ici.',
    confirm: (count) =>
      count > 0 ? plural(count, 'Connecter 1 compte', `Connecter ${count} comptes`) : 'Connecter',
  },
  credentials: {
    title: (provider) => `Connecter ${provider}`,
    steps: (provider) => [
      `Identifiez-vous sur ${provider} dans ce navigateur.`,
      'Ouvrez les outils de développement (F12), onglet Réseau.',
      'Clic droit sur une requête du site, puis Copier comme cURL.',
    ],
    paste: 'Requête copiée',
    pasteHint: 'Collez-la ici',
    found: 'Lu dans ce que vous avez collé',
    nothingFound: 'Il n’y a pas de session dans ce texte. Choisissez Copier comme cURL.',
    has: (name) => `${name} : trouvé`,
    lacks: (name) => `${name} : manquant`,
    byHand: 'Remplir à la main',
    useThisBrowser: 'Celui de ce navigateur',
    optional: 'facultatif',
    required: 'Veuillez remplir ce champ.',
    warning:
      'Quiconque possède cette session peut agir en votre nom. Elle est chiffrée avant d’être enregistrée et n’est plus jamais affichée.',
    ends: 'Elle ne peut pas être renouvelée. Nous vous prévenons quand elle se termine.',
    consent: 'C’est mon compte et je veux l’utiliser ici.',
    consentNeeded: 'Veuillez le confirmer.',
    save: 'Connecter',
    needsComputer:
      'Il faut un ordinateur : le navigateur d’un téléphone ne permet pas de copier la session. Ouvrez-y cette page.',
  },
  disconnect: {
    title: (name, provider) => `Déconnecter ${name} de ${provider} ?`,
    text: (provider) =>
      `Les jetons enregistrés sont effacés et nous demandons à ${provider} de retirer notre accès.`,
    keeps: 'Ce qui a été recueilli reste, et vous le retrouverez en reconnectant le compte.',
    deleteData: 'Effacer aussi ce qui en a été recueilli',
    confirm: 'Déconnecter',
  },
  banner: {
    one: (name, provider) => `${name} sur ${provider} est à reconnecter.`,
    several: (count) => `${count} comptes sont à reconnecter.`,
    start: (name) => `Reconnecter ${name}`,
  },
  switcher: {
    label: 'Compte',
    choose: 'Choisissez un compte',
    all: 'Tous les comptes',
    none: 'Aucun compte connecté',
  },
  toast: {
    connected: (_names, list, provider) => `Connecté : ${list || provider}.`,
    disconnected: {
      revoked: (provider) => `Déconnecté. ${provider} l’a confirmé.`,
      pending: (provider) =>
        `Déconnecté ici. ${provider} ne l’a pas encore confirmé ; nous redemandons pendant un jour.`,
      unsupported: (provider) =>
        `Déconnecté ici. Pour retirer aussi l’accès sur ${provider}, supprimez cette application dans vos réglages là-bas.`,
      kept: (provider) => `Déconnecté ici. L’accès sur ${provider} reste pour vos autres comptes.`,
    },
    renewed: (name) => `${name} est renouvelé.`,
    dismiss: 'Fermer',
  },
  returned: {
    done: 'Vous pouvez fermer cette fenêtre.',
    working: 'Un instant…',
    elsewhere: 'Ceci a été commencé dans un autre navigateur. Rien n’a été connecté.',
    back: 'Revenir',
  },
  errors: {
    denied: 'Vous n’avez pas donné l’accès. Rien n’a changé.',
    expired: 'Le délai est passé ou c’était déjà fait. Rien n’a changé.',
    refused: (provider) => `${provider} n’a pas pu terminer l’identification. Rien n’a changé.`,
    taken: 'Ce compte appartient déjà à un autre utilisateur ici. Rien n’a changé.',
    mismatch: 'Vous vous êtes identifié avec un autre compte que celui à reconnecter. Rien n’a changé.',
    noAccount: (provider) => `Cette identification ne donne accès à aucun compte ${provider} utilisable.`,
    notFound: 'Ce compte n’est plus connecté.',
    reconnect: 'Vous seul pouvez le renouveler : veuillez le reconnecter.',
    network: 'Pas de réponse. Vérifiez votre connexion.',
    unavailable: (provider) => `${provider} ne répond pas. Rien n’est perdu.`,
    limited: 'C’était trop fréquent. Attendez un instant.',
    busy: 'Il y a trop à faire en ce moment. Rien n’est perdu.',
    invalid: 'Quelque chose n’est pas juste. Veuillez vérifier.',
    signedOut: 'Vous êtes déconnecté du site. Identifiez-vous et revenez.',
    setUp: 'Ceci est mal configuré. Veuillez prévenir la personne qui gère ce site.',
    ours: 'Une erreur est survenue de notre côté. Rien n’a changé.',
    insecure: 'Pour connecter un compte, il faut une adresse sécurisée (https).',
    storage: 'Votre navigateur n’enregistre rien pour ce site. Autorisez-le et réessayez.',
    elsewhere: 'Ceci a été commencé dans un autre navigateur. Rien n’a été connecté.',
  },
};
