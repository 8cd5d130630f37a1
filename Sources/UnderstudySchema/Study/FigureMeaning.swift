extension FigureDeclaration.Kind {
  /// What it shows and needs, as Docs/Studies.md has it.
  public var meaning: String { Self.meanings[self] ?? "" }

  /// The table of all kinds. To add one is to add a case and its row here, and the same line in Docs/Studies.md.
  private static let meanings: [Self: String] = [
    .lShape: """
    best rho of each student node (of converged students 1 - rho, on a logarithmic axis) against its fan-out norm, \
    a dot a node; facets over-realization x strength decay. Needs trainingCorrelation and fanOutNorms
    """,
    .recoveryRate: """
    share of seeds that recovered each teacher node, with its interval, a line for each epoch; facets \
    over-realization x strength decay. Needs evaluationCorrelation
    """,
    .evaluationLoss: """
    median and quartiles over seeds of the evaluation loss, per epoch; facets strength decay, or teacher.widths \
    where only those vary. Needs evaluationLoss
    """,
    .boundaries: """
    boundaries of teacher (solid) and student (dashed) over two-dimensional inputs, at the recorded epochs, on a \
    ground that is the darker, the more student nodes are active there. Needs inputSample, teacherBoundaries, \
    studentBoundaries and evaluationCorrelation
    """,
    .alignmentBound: """
    predicted against measured alignment, a dot for each teacher node, run and epoch, with the diagonal; colour \
    over-realization. Needs predictedAlignment and alignment
    """,
    .unalignedStudents: """
    median strength of unaligned student nodes, and median kink balance of all, against the largest gradient, a \
    dot for each run and epoch. Needs largestGradient, studentAlignment, boundaryStrengths and kinkBalances
    """,
    .observers: """
    observers of a teacher node at the first declared epoch against over-realization, and the share of nodes \
    recovered at the last epoch against their observers, for each over-realization. Needs observerCounts and \
    evaluationCorrelation
    """,
    .alignmentTime: """
    first epoch at which each teacher node is aligned to 0.1, median and quartiles over seeds; facets strength \
    decay, colour output noise. Needs alignment
    """,
    .alignedShare: """
    share of teacher nodes aligned to 0.1 against the number of samples, a line for each augmentation; facets \
    input dimension. Needs alignment
    """,
    .sampleExponent: """
    samples that align 90 % of the teacher nodes against the input dimension or what `against` names, a fitted \
    power law for each augmentation. Needs alignment, and observation for `against: observation`
    """,
    .verdictShares: """
    share of teacher nodes with each verdict of the audit, a bar for each value of the key that varies most, \
    panels by other keys, or columns by epoch. Needs verdicts
    """,
    .connectionLoss: """
    loss along the straight, the matched and the constructed path between two students; facets over-realization. \
    Needs straightPath, matchedPath and constructedPath
    """,
    .coverAndLoss: """
    first epoch at which all teacher nodes are recovered, beside those of small losses, against over-realization. \
    Needs evaluationCorrelation and evaluationLoss
    """,
    .layerLShape: """
    best rho of each live student node with a teacher node of its own hidden layer against its strength \
    √E[beta_kk], a dot a node; a row for each hidden layer, columns epochs. Needs layerWidths, \
    layerStudentCorrelations and layerStrengths
    """,
    .layerSpecialization: """
    mean best rho of the teacher nodes of each hidden layer, per epoch; facets over-realization, and rows \
    teacher.widths or another key that varies. Needs layerWidths and layerCorrelations
    """,
    .specializationTime: """
    first epoch at which the mean best rho of a hidden layer is at least 0.95, against the layer, a line for each \
    over-realization; facets teacher.widths or another key that varies. Needs layerWidths and layerCorrelations
    """,
    .layerLearning: """
    mean best rho of the teacher nodes of a hidden layer, per epoch, a panel for each layer: colours \
    over-realization, strokes training.loss or another key that varies, rows one more; dotted before training. \
    Needs layerWidths and layerCorrelations
    """,
    .accuracy: """
    accuracy on the evaluation data's labels, per epoch, in the same colours and strokes, panels by further keys; \
    dashed the teacher and its oracle. Needs evaluationAccuracy and teacherAccuracies
    """,
    .bestCorrelations: """
    best rho of each teacher node, a panel for each hidden layer; places by over-realization, colours \
    training.loss or another key that varies, rows one more; quartiles and medians. Needs layerWidths and \
    layerCorrelations
    """,
    .plot: """
    any measure or statistic against epochs, nodes, layers or any key; colours and panels by others
    """,
    .heatMap: "any measure or statistic as colours of cells over two of these",
  ]
}
