import type { Messages } from '../messages/types.js';

/** In French, 0 and 1 take the singular. */
const plural = (count: number, one: string, many: string) => (count < 2 ? one : many);

/** French. */
export const fr: Messages = {
  locale: 'fr',
  dir: 'ltr',
  page: {
    title: 'Comptes connectés',
    intro: 'Connectez les comptes que vous voulez utiliser ici. Vous pouvez les déconnecter à tout moment.',
    search: 'Rechercher une plateforme',
    nothingFound: (query) => `Aucune plateforme ne correspond à « ${query} ».`,
    empty: 'Aucune plateforme n’est disponible pour le moment.',
    loading: 'Chargement de vos comptes',
  },
  card: {
    connect: 'Connecter',
    connectTo: (provider) => `Connecter ${provider}`,
    connectAnother: 'Connecter un autre compte',
    connecting: 'Connexion…',
    tryAgain: 'Réessayer',
    via: (name) => `Via le compte ${name}`,
    browserSession: 'Utilise une session du navigateur',
    notConfigured: 'Pas encore configuré',
    permissions: (granted, total) =>
      granted === null || granted === total ? 'Autorisations' : `Autorisations, ${granted} sur ${total}`,
    granted: (permission) => `${permission}, accordée`,
    notGranted: (permission) => `${permission}, non accordée`,
  },
  status: {
    connected: 'Connecté',
    limited: 'Autorisation manquante',
    expiring: 'Expire bientôt',
    expired: 'Reconnexion requise',
    error: 'Temporairement indisponible',
    none: 'Non connecté',
    refreshing: 'Actualisation',
  },
  reasons: {
    revoked: (provider) => `Vous avez révoqué l’accès sur ${provider}.`,
    refused: (provider) => `${provider} exige que vous vous reconnectiez.`,
    sessionEnded: 'La session a expiré.',
    refreshLost: 'La dernière actualisation a été interrompue. Reconnectez le compte pour rétablir l’accès.',
    unavailable: (provider, next) =>
      `${provider} ne répond pas. ${next ? `Prochain essai ${next}` : 'Nous continuons d’essayer'} ; inutile de reconnecter le compte.`,
    actionNeeded: (provider) => `${provider} vous demande d’abord d’y confirmer quelque chose.`,
    internal: 'Un problème est survenu de notre côté. Inutile de reconnecter le compte.',
    scopes: (labels) => `Non accordé : ${labels}.`,
    unverified: 'Cette session n’a pas encore pu être vérifiée.',
    expiring: (when) => `Expire ${when ?? 'bientôt'}. Reconnectez le compte pour conserver l’accès.`,
  },
  account: {
    actions: (name) => `Actions pour ${name}`,
    actionFor: (action, name) => `${action} : ${name}`,
    reconnect: 'Reconnecter',
    allow: 'Accorder l’accès',
    refresh: 'Actualiser maintenant',
    retry: 'Réessayer',
    copyReference: 'Copier la référence',
    copied: 'Copié.',
    disconnect: 'Déconnecter…',
    refreshed: (when) => `Actualisé ${when}`,
    connected: (when) => `Connecté ${when}`,
    nextRefresh: (when) => `prochaine actualisation ${when}`,
  },
  outage: {
    stale: (when) =>
      when
        ? `Connexion perdue. Les données affichées datent de ${when}.`
        : 'Connexion perdue. Les données affichées ne sont peut-être plus à jour.',
    failed: 'Impossible de charger vos comptes.',
    nextTry: (left) => `Nouvel essai dans ${left}`,
    retry: 'Réessayer',
  },
  inApp: {
    text: 'Le navigateur intégré à cette application ne permet pas de connecter un compte. Ouvrez cette page dans votre navigateur habituel.',
    copyLink: 'Copier le lien',
  },
  flow: {
    starting: (provider) => `Ouverture de ${provider}…`,
    waiting: 'Terminez dans la fenêtre qui vient de s’ouvrir.',
    unsure: 'La fenêtre s’est-elle fermée avant la fin ?',
    reopen: 'La rouvrir',
    cancel: 'Annuler',
    tryAgainIn: (left) => `Réessayez dans ${left}`,
    addInstead: (name) => `Ajouter ${name} à la place`,
    accountHelp: (provider) => `Aide de ${provider}`,
  },
  choose: {
    title: (provider) => `Quels comptes ${provider} ?`,
    intro: 'Vous avez donné accès à plusieurs comptes. Choisissez ceux que vous voulez utiliser ici.',
    confirm: (count) =>
      count > 0 ? plural(count, 'Connecter 1 compte', `Connecter ${count} comptes`) : 'Connecter',
  },
  credentials: {
    title: (provider) => `Connecter ${provider}`,
    introduction: (provider, app) =>
      `${provider} n’a pas de page d’autorisation pour les applications. Pour donner accès à ${app}, partagez la session de votre propre navigateur.`,
    signIn: (provider) => `Ouvrir ${provider}`,
    steps: (provider, domain) => [
      `Connectez-vous à ${provider} dans un autre onglet de ce navigateur.`,
      'Là, ouvrez les outils de développement (F12), choisissez Réseau et rechargez la page.',
      `Faites un clic droit sur une requête vers ${domain}, choisissez Copier comme cURL et collez-la ici.`,
    ],
    paste: 'Requête copiée',
    pasteHint: 'Collez-la ici',
    otherForms:
      'Un fichier HAR, des en-têtes de requête copiés ou un export de toutes les valeurs conviennent aussi.',
    chooseFile: 'Choisir un fichier',
    found: 'Trouvé dans le texte collé',
    has: (label) => `${label} : trouvé`,
    lacks: (label) => `${label} : manquant`,
    missing: (labels) => `Le texte collé ne contient pas ${labels}.`,
    causes: {
      nothing: (domain) =>
        `Le texte collé ne contient pas de session. Choisissez Copier comme cURL sur une requête vers ${domain}.`,
      wrongSite: (host, domain) => `Le texte collé vient de ${host}. Copiez une requête vers ${domain}.`,
      masked: (labels) =>
        `La valeur de ${labels} est masquée dans le texte collé. Copiez la requête elle-même, pas ce qu’une page en montre.`,
      expired: (provider) =>
        `La session collée a expiré. Reconnectez-vous à ${provider} et copiez une nouvelle requête.`,
      har: 'Ce fichier HAR ne contient pas de cookies. Exportez-le avec les données sensibles, ou choisissez Copier comme cURL sur une requête.',
      fetch: 'Copier comme fetch omet les cookies. Choisissez Copier comme cURL.',
      cookiesOnly:
        'Les cookies seuls ne suffisent pas. Choisissez Copier comme cURL, ou saisissez les autres valeurs ci-dessous.',
      tooLong: 'Ce fichier dépasse 20 Mo. Choisissez Copier comme cURL sur une seule requête.',
    },
    byHand: 'Saisir les valeurs manuellement',
    useThisBrowser: 'Utiliser celui de ce navigateur',
    optional: 'facultatif',
    required: (label) => `Veuillez remplir ${label}.`,
    warning: 'Toute personne qui possède cette session peut agir en votre nom.',
    storage: 'Elle est chiffrée avant d’être enregistrée et n’est plus jamais affichée.',
    ends: 'Elle ne peut pas être actualisée : lorsqu’elle expirera, vous serez prévenu et en collerez une nouvelle.',
    terms: (provider) =>
      `Un accès automatisé peut enfreindre les conditions d’utilisation de ${provider}. Lisez-les avant de continuer.`,
    consent: 'C’est mon propre compte, et j’ai le droit de l’utiliser ainsi.',
    consentNeeded: 'Veuillez le confirmer pour continuer.',
    save: 'Connecter',
    needsComputer:
      'Il vous faut un ordinateur : le navigateur d’un téléphone ne permet pas de copier la session. Ouvrez cette page sur un ordinateur.',
  },
  disconnect: {
    title: (name, provider) => `Déconnecter ${name} de ${provider} ?`,
    text: (provider) =>
      `Nous supprimons les jetons enregistrés et demandons à ${provider} de révoquer notre accès.`,
    sessionText: (provider) =>
      `Nous supprimons la session enregistrée. Elle reste valable sur ${provider} jusqu’à ce que vous y mettiez fin : déconnectez-vous de ${provider} dans le navigateur d’où vous l’avez copiée.`,
    keeps: 'Les données recueillies sont conservées ; vous les retrouverez en reconnectant le compte.',
    deleteData: 'Supprimer aussi les données recueillies sur ce compte',
    confirm: 'Déconnecter',
  },
  banner: {
    one: (name, provider) => `${name} sur ${provider} doit être reconnecté.`,
    several: (count) => `${count} comptes doivent être reconnectés.`,
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
        `Déconnecté ici. ${provider} ne l’a pas encore confirmé ; nous réessayons pendant 24 heures.`,
      session: (provider) =>
        `Déconnecté ici. La session reste valable sur ${provider} : pour y mettre fin, déconnectez-vous de ${provider} dans le navigateur d’où vous l’avez copiée.`,
      unsupported: (provider) =>
        `Déconnecté ici. Pour révoquer aussi l’accès sur ${provider}, supprimez cette application dans les réglages de votre compte.`,
      kept: (provider) => `Déconnecté ici. L’accès sur ${provider} est conservé pour vos autres comptes.`,
    },
    refreshed: (name) => `${name} a été actualisé.`,
    dismiss: 'Fermer',
  },
  returned: {
    done: 'Vous pouvez fermer cette fenêtre.',
    working: 'Un instant…',
    otherBrowser:
      'Cette connexion a été commencée dans un autre navigateur. Rien n’a été connecté. Recommencez dans ce navigateur.',
    back: 'Revenir',
  },
  errors: {
    denied: (provider) =>
      `Vous n’avez pas autorisé l’accès sur ${provider}. Rien n’a changé. Pour connecter le compte, réessayez et autorisez-le.`,
    expired: 'Cette connexion a expiré ou était déjà terminée. Veuillez recommencer.',
    refused: (provider) =>
      `${provider} n’a pas pu terminer la connexion. Rien n’a changé. Réessayez ; en cas de nouvel échec, déconnectez-vous d’abord de ${provider}.`,
    alreadyConnected: (provider) =>
      `Ce compte ${provider} appartient à un autre utilisateur ici. Déconnectez-le chez lui, ou identifiez-vous sur ${provider} avec un autre compte.`,
    mismatch: (provider) =>
      `Vous vous êtes identifié sur ${provider} avec un autre compte que celui à reconnecter. Rien n’a changé. Changez de compte sur ${provider}, puis réessayez.`,
    mismatchOf: (provider, actual, expected) =>
      `Vous vous êtes identifié sur ${provider} en tant que ${actual}, mais c’est ${expected} qu’il faut reconnecter. Rien n’a changé. Passez à ${expected} sur ${provider}, puis réessayez.`,
    noAccount: (provider) =>
      `Cette connexion ne donne accès à aucun compte ${provider} pouvant être connecté. Vérifiez-en le type et autorisez-y l’accès.`,
    notFound: 'Ce compte n’est plus connecté. Connectez-le à nouveau.',
    reconnect: 'L’accès a expiré. Veuillez reconnecter ce compte.',
    offline: 'Ce site ne répond pas. Vérifiez votre connexion Internet, puis réessayez.',
    unreachable: (provider) =>
      `${provider} est injoignable en ce moment. Votre connexion n’est pas en cause. Réessayez dans quelques minutes.`,
    unavailable: (provider) => `${provider} ne répond pas correctement. Réessayez dans quelques minutes.`,
    notRefreshed: (provider) =>
      `${provider} n’a pas renouvelé l’accès. Le compte reste connecté. Identifiez-vous sur ${provider}, confirmez ce qui vous y est demandé, puis réessayez.`,
    limited: (provider) =>
      `Il y a trop de demandes pour ${provider} en ce moment. Rien n’a changé. Réessayez dans quelques minutes.`,
    busy: 'Le service est très sollicité. Réessayez dans un instant.',
    invalid: 'Veuillez vérifier les champs signalés.',
    signedOut: 'Vous êtes déconnecté. Identifiez-vous à nouveau sur ce site.',
    misconfigured: 'Evergrant n’est pas configuré correctement ; contactez l’administrateur du site.',
    internal: 'Une erreur est survenue de notre côté. Veuillez réessayer.',
    insecure: 'Pour connecter un compte, il faut une adresse sécurisée. Ouvrez cette page en https.',
    storage: 'Votre navigateur bloque le stockage pour ce site. Autorisez-le, puis réessayez.',
    otherBrowser:
      'Cette connexion a été commencée dans un autre navigateur. Rien n’a été connecté. Recommencez dans ce navigateur.',
  },
};
