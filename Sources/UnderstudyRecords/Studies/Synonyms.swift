import UnderstudySchema

/// What other programs call the keys, values and commands of this one: the nearest spelling would be another thing (`batch`
/// is no `network.biases`). Names are plain: small letters, without `_` and `-`.
enum Synonyms {
  /// The names that mean the same here, in order of preference; those that are not known at a place do not count there.
  private static let sameMeaning: [String: [String]] = table([
    ("epoch", "step steps time iteration"),
    ("training.learningRate", "lr eta eta0 stepsize initiallr initiallearningrate baselr"),
    ("training.learningRates", "scheduler lrscheduler lrschedule learningrateschedule schedule milestones gamma"),
    ("training.learningRateHalvingInterval", "lrdecay learningratedecay halving"),
    ("training.batchSize", "batch bs minibatch minibatchsize trainbatchsize perdevicetrainbatchsize"),
    ("training.epochs", "epoch nepochs nepoch numepochs nbepochs epochscount epochcount maxepochs numtrainepochs"),
    ("training.stepsPerEpoch", "steps nsteps numsteps maxsteps iterations iters maxiter niter batchesperepoch"),
    ("training.method", "optimizer optim optimiser solver algorithm updaterule"),
    ("training.momentum", "mu beta"),
    ("training.weightDecay", "wd l2 decay regularization regularisation ridge"),
    ("training.decay", "decay"),
    ("training.loss", "lossfunction lossfn criterion objective cost"),
    ("training.precision", "dtype floattype floatx floatprecision"),
    ("training.frozenLayer", "freeze frozen freezelayer freezelayers trainable requiresgrad"),
    ("training.outputNoise", "labelnoise targetnoise noise noisestd noiselevel"),
    ("training.batches.file", "batchorder batchfile batchesfile indices"),
    (
      "teacher.hiddenNodes",
      "hidden hiddensize hiddendim hiddenunits hiddenwidth nhidden numhidden width units neurons nodes m"
    ),
    ("teacher.widths", "hiddensizes hiddenlayersizes hiddendims layers layersizes nlayers numlayers depth"),
    (
      "student.widths",
      "hidden hiddensize hiddendim hiddenunits hiddenwidth nhidden numhidden width units neurons nodes n hiddennodes "
        + "hiddensizes hiddenlayersizes hiddendims layers layersizes nlayers numlayers depth"
    ),
    (
      "student.overRealization",
      "widthmultiplier multiplier widthfactor expansion overparam overparameterization overparametrization "
        + "ratio numstudents nstudents studentnodes"
    ),
    ("teacher.strengthDecay", "p alpha decay teacher.decay strength teacher.strength"),
    ("student.initialization", "init initializer initialisation weightinit kernelinitializer"),
    ("student.scale", "initstd initscale stddev gain"),
    ("student.normalization", "batchnorm bn norm usebatchnorm batchnormalization layernorm"),
    ("student.learntScale", "affine learnedscale learnablescale"),
    ("student.file", "pretrained student.checkpoint student.path student.weightsfile student.load"),
    ("teacher.file", "checkpoint teacher.path teacher.weightsfile teacher.load"),
    ("teacher.scale", "teacher.std teacher.stddev teacher.gain"),
    (
      "network.inputDimension",
      "d inputdim inputsize infeatures nfeatures numfeatures inputs.dimension inputs.features nin"
    ),
    ("network.outputDimension", "c outputdim outputsize outfeatures nclasses numclasses classes outputs noutputs nout"),
    ("network.activation", "activationfn activationfunction nonlinearity"),
    ("network.leakySlope", "negativeslope leak slope leakiness"),
    ("network.biases", "usebias hasbias bias fitintercept"),
    ("inputs.training.count", "samples nsamples numsamples ntrain trainsize trainsamples datasetsize n"),
    ("inputs.evaluation.count", "ntest testsize testsamples neval evalsize nval valsize validationsize"),
    ("inputs.training.file", "trainfile traindata trainingdata xtrain x data.train"),
    ("inputs.evaluation.file", "testfile testdata evalfile valdata xtest"),
    ("inputs.rank", "intrinsicdimension subspacedimension"),
    ("inputs.standardDeviation", "inputs.std inputs.scale inputs.stddev inputstd sigma"),
    ("criticalPoint.iterations", "lmiterations criticalpoint.maxiter criticalpoint.steps finishing.steps"),
    ("criticalPoint.gradientTarget", "tol tolerance gtol"),
    ("inputs", "data dataset datasets dataloader"),
    ("network", "model net architecture"),
    ("training", "train trainer fit optimization"),
    (
      "seeds",
      "seed randomseed randomstate rng rngseed manualseed nseeds numseeds repeats nrepeats trials ntrials nruns runs"
    ),
    ("record", "log logging metrics track callbacks"),
    ("claim", "description hypothesis notes comment"),
    ("figures", "plots plot charts graphs"),
    ("findings", "tests asserts checks expectations"),
    ("measures", "metrics quantities"),
    ("every", "interval frequency freq period each loginterval"),
    ("last", "end final"),
    ("kind", "type chart plot"),
    ("caption", "title description legend"),
    ("name", "title studyname label"),
    ("where", "filter select selection query"),
    ("statistic", "metric measure kind type"),
    ("atLeast", "min minimum lower greaterthan"),
    ("atMost", "max maximum upper lessthan"),
    ("evaluationLoss", "loss testloss valloss validationloss evalloss mse"),
    ("trainingLoss", "trainloss"),
    ("evaluationAgreement", "accuracy acc testaccuracy testacc evalacc evalaccuracy top1"),
    ("evaluationAccuracy", "accuracy acc testaccuracy testacc evalacc evalaccuracy top1"),
    (
      "evaluationCorrelation",
      "rho correlation correlations corr evalcorr evalcorrelation testcorr testcorrelation valcorr specialization"
    ),
    ("trainingCorrelation", "traincorr traincorrelation"),
    ("fanOutNorms", "fanout norms outputnorms fanoutnorm"),
    ("recoveredShare", "recovered recovery recoveryshare sharerecovered"),
    ("recoveryRate", "recovered recovery"),
    ("largestGradient", "gradnorm gradientnorm grad gradient"),
    ("leakyRelu", "leaky lrelu"),
    ("squaredError", "mse l2 l2loss mseloss meansquarederror"),
    ("crossEntropy", "ce xent nll softmax crossentropyloss"),
    ("logarithmic", "log log10 logarithm"),
    ("plot", "line lines linechart curve curves scatter bar bars barplot lineplot"),
    ("color", "hue colorby colour groupby"),
    ("column", "col facet facets facetcol facetcolumn"),
    ("row", "facetrow"),
    ("reduce", "aggregate agg reduction"),
    ("node", "neuron unit index"),
    ("best", "max maximum"),
    ("smallest", "min minimum"),
    ("mean", "average avg"),
    ("deviation", "std sd stddev sigma"),
    ("float64", "double fp64 f64 f8"),
    ("float32", "float single fp32 f32 f4"),
    ("he", "kaiming kaimingnormal henormal"),
    ("uniform", "pytorch torch default kaiminguniform"),
    ("gaussian", "normal"),
    ("gd", "fullbatch batchgradientdescent"),
    ("levenbergMarquardt", "lm lma marquardt"),
    ("run", "train start fit launch simulate"),
    ("report", "show view plot draw render figures html"),
    ("status", "info progress ls"),
    ("statistics", "stats statistic summary summarize"),
    ("export", "csv dump save"),
    ("forget", "delete remove rm clean"),
    ("extract", "get"),
    ("check", "verify validate"),
    ("audit", "compare analyze analyse"),
    ("recover", "reconstruct"),
    ("connect", "path paths interpolate"),
    ("prune", "compress shrink"),
    ("convert", "import"),
    ("outputs", "predict forward infer"),
    ("keys", "list options help params parameters"),
    ("bench", "benchmark speed"),
  ])

  private static let adam =
    "training.method: adam has PyTorch's, moments of 0.9 and 0.999 and an epsilon of 1e-8; leave it out"
  private static let warmup =
    "rates do not grow by themselves; give them in training.learningRates (\"0: 0.001, 5: 0.01\")"

  /// What a study cannot say, and why.
  private static let absent: [String: String] = [
    "dropout": "there is no dropout here; leave it out",
    "dropoutrate": "there is no dropout here; leave it out",
    "patience": "there is no early stopping here: record the epochs that matter; leave it out",
    "earlystopping": "there is no early stopping here: record the epochs that matter; leave it out",
    "nesterov": "there is no Nesterov momentum here; leave it out, or give training.momentum",
    "beta1": adam, "beta2": adam, "betas": adam, "adambetas": adam, "training.eps": adam, "training.epsilon": adam,
    "labelsmoothing": "labels are not smoothed here; leave it out, or give training.loss: distillation",
    "warmup": warmup, "warmupsteps": warmup, "warmupepochs": warmup, "numwarmupsteps": warmup,
    "gradclip": "gradients are not clipped here; leave it out",
    "clipnorm": "gradients are not clipped here; leave it out",
    "gradientclipping": "gradients are not clipped here; leave it out",
    "device": "training runs on this machine's processors; leave it out",
    "gpu": "training runs on this machine's processors; leave it out",
    "cuda": "training runs on this machine's processors; leave it out",
    "threads": "how many runs go side by side is no part of a study; give `understudy run` --threads",
    "workers": "how many runs go side by side is no part of a study; give `understudy run` --threads",
    "numworkers": "how many runs go side by side is no part of a study; give `understudy run` --threads",
    "numthreads": "how many runs go side by side is no part of a study; give `understudy run` --threads",
    "output": "where results go is no part of a study; give `understudy run` --results",
    "outputdir": "where results go is no part of a study; give `understudy run` --results",
    "results": "where results go is no part of a study; give `understudy run` --results",
  ]

  /// All names to which the table leads.
  static var targets: Set<String> { Set(sameMeaning.values.joined()) }

  /// What is known at a place and means the same as a name of another program: several if the name says too little, none if it
  /// is no such name.
  static func same(as name: String, among known: Set<String>) -> [String] {
    for spelling in spellings(of: name) {
      let names = sameMeaning[spelling, default: []].filter(known.contains)
      // `student.width` is about the student.
      let ofGroup = names.filter { $0.contains(".") && name.hasPrefix($0.prefix { $0 != "." } + ".") }
      if !names.isEmpty { return ofGroup.isEmpty ? names : ofGroup }
    }
    return []
  }

  /// Why a study cannot say what another program calls so; nil if it is no such name.
  static func reasonForAbsence(of name: String) -> String? { spellings(of: name).lazy.compactMap { absent[$0] }.first }

  /// Where a study names a measure, statistic or kind of figure that was given as something else; nil if it is none.
  static func otherPlace(of name: String) -> String? {
    let plain = plainSpelling(name.split(separator: ".").last ?? "")
    func named<Name: RawRepresentable<String> & CaseIterable>(_ type: Name.Type) -> String? {
      let names = Name.allCases.map(\.rawValue)
      return names.first { plainSpelling($0) == plain } ?? sameMeaning[plain]?.first(where: names.contains)
    }
    if let measure = named(Measure.self) {
      return
        "\(measure) is a measure; give it in record, e.g. record: [{measures: [\(measure)], every: 1}], or as the y of a plot"
    }
    if let statistic = named(FindingDeclaration.Statistic.self) {
      return "\(statistic) is a statistic; give it as the statistic of a finding or the y of a plot"
    }
    if let kind = named(FigureDeclaration.Kind.self) {
      return "\(kind) is a kind of figure; give it in figures, e.g. figures: [{name: \(kind), kind: \(kind)}]"
    }
    return nil
  }

  /// The whole name, as a group may change what its last part means, and the last part.
  private static func spellings(of name: String) -> [String] {
    let whole = plainSpelling(name)
    return [whole] + (whole.split(separator: ".").last.map { [String($0)] } ?? [])
  }

  private static func table(_ rows: [(name: String, others: String)]) -> [String: [String]] {
    var result: [String: [String]] = [:]
    for (name, others) in rows {
      for other in others.split(separator: " ") { result[String(other), default: []].append(name) }
    }
    return result
  }
}

/// Case, `_` and `-` do not count between names: `learning_rate` is `learningRate`.
func plainSpelling(_ text: some StringProtocol) -> String { text.lowercased().filter { $0 != "_" && $0 != "-" } }
