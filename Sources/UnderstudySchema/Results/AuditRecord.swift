/// What an audit of a student against its teacher found: printed as JSON, stored, and drawn.
///
/// Lengths in input space (bands, steps, offsets, alignments) are in the units of the inputs, with first-layer rows of unit
/// norm; gradients and losses in those of the outputs, squared. Nodes are numbered from 1, as in what people read. Numbers
/// that do not exist for a network are absent, never NaN.
public struct AuditRecord: Codable, Hashable, Sendable {
  /// Of Understudy.
  public var version = ""
  /// Processor, kernels and OpenBLAS's kernels; absent in records of before it was kept.
  public var machine: String?
  /// What was audited: paths, or the run's name.
  public var teacherName = ""
  public var studentName = ""
  public var inputsName = ""
  /// The root of the mean variance of a feature: what an angle's sine is multiplied by to be a length. Absent in records of
  /// before it was kept.
  public var inputSpread: Double?
  /// N, samples in D.
  public var sampleCount = 0
  /// d, features of an input.
  public var inputDimension = 0
  /// Numerical rank of the centred inputs, at most d.
  public var inputRank = 0
  /// C, outputs.
  public var outputDimension = 0
  /// The half widths eps of the bands around boundaries, in the order of all lists by band.
  public var bands: [Double] = []
  /// Directions along which the inputs vary by more than each band, at most ``inputRank``. Absent in records of before it was kept.
  public var bandRanks: [Int]?
  /// max |g_1(x)|_inf over the inputs D.
  public var largestGradient = 0.0
  /// The same over the teacher-agnostic and the teacher-aware augmentation D'; both contain D. Absent where it would have
  /// taken too long.
  public var largestGradientAgnostic: Double?
  public var largestGradientAware: Double?
  /// How far the augmentations move a sample.
  public var augmentationStep = 0.0
  /// K = m + n for two layers, Q (boundary hyperplanes of the whole network) for more.
  public var hyperplaneCount = 0
  /// For each band the largest concentration of samples on one hyperplane that was found: a lower bound of eta.
  public var etaHat: [ConcentrationRecord] = []
  /// J = 1/2 E ||f* - f||^2 over the inputs.
  public var loss = 0.0
  /// Named diagnoses of the inputs and the networks: duplicate samples, constant inputs, N < d, and the like.
  public var notes: [String] = []
  /// By node.
  public var teacherNodes: [TeacherNodeRecord] = []
  public var studentNodes: [StudentNodeRecord] = []
  public var student = StudentSummaryRecord()
  /// By hidden layer, the lowest first; absent for two layers, and in records of before they were kept.
  public var layers: [MergedLayerRecord]?
  /// What was left out because it would have taken too long: `agnosticGradients`, `awareGradients`, `observerRanks`, `merging`.
  /// Absent if nothing was.
  public var omitted: [String]?

  public init() {}
}

/// The densest hyperplane of a stated family: eta >= `value`.
public struct ConcentrationRecord: Codable, Hashable, Sendable {
  /// eps.
  public var band: Double
  /// (samples within eps of the hyperplane - (d + 1)) / (eps N), at least 0.
  public var value: Double
  /// The family that it comes from, such as "nodes" or "random planes".
  public var family: String
  /// Which hyperplane of the family.
  public var description: String

  public init(band: Double, value: Double, family: String, description: String) {
    self.band = band
    self.value = value
    self.family = family
    self.description = description
  }
}

/// A teacher node: the theorem's conditions as measured, what they predict, and what the student has.
public struct TeacherNodeRecord: Codable, Hashable, Sendable {
  /// j, from 1.
  public var node: Int
  /// Whether its activation does not vary over the inputs.
  public var isDead = false
  /// Whether the inputs have samples on both sides of its boundary.
  public var isVisible = true
  /// The first other teacher node with the same boundary (within 1e-6 of the inputs' spread), from 1.
  public var duplicateOf: Int?
  /// ||v*_j|| ||w*_j||.
  public var strength = 0.0
  /// Student nodes that observe it in the widest band: how many, and which.
  public var observerCount = 0
  public var observers: [ObserverRecord] = []
  /// The observer with the largest |alpha_kj|, from 1.
  public var bestObserver: Int?
  /// kappa of that observer: the share of the samples in the widest band at which it is active, 0...1; 0 without one.
  public var bestObserverKappa = 0.0
  /// The largest |alpha_kj| over the observers; 0 without one.
  public var bestAlpha = 0.0
  /// Numerical rank of the observers' fan-out weights, at most C.
  public var observerFanOutRank = 0
  /// By band.
  public var bands: [TeacherBandRecord] = []
  /// The smallest eps that the statement, solved for eps, predicts: not below the width of a band that holds d + 1 samples;
  /// absent where it predicts nothing. A prediction and no proof: the statement asks for more samples than anybody has.
  public var predictedAlignment: Double?
  /// The smallest eps that kink witnesses of one student node prove; absent where they prove nothing.
  public var provenAlignment: Double?
  /// The eps that the largest gradient over each D' alone would allow; absent without an observer.
  public var gradientAlignmentAgnostic: Double?
  public var gradientAlignmentAware: Double?
  /// The student node with the smallest alignment, from 1; 0 if no student node has a boundary.
  public var alignedStudent = 0
  /// The smallest eps for which that student node is eps-aligned: max(inputSpread sine, offset difference). Absent, as the
  /// next two, without one.
  public var alignment: Double?
  /// sin of the angle between the boundaries, 0...1.
  public var sine: Double?
  /// The same sine as the inputs see it: of the angle between the two pre-activations over the inputs. Absent also where one of
  /// the nodes does not vary, and in records of before it was kept, as are the next.
  public var seenSine: Double?
  /// |b*_j - b_k| of the normalised rows, with the student's sign turned if it `isOpposite`.
  public var offsetDifference: Double?
  /// Whether the student's boundary is oriented the other way.
  public var isOpposite = false
  /// Its partner in the one-to-one matching of all nodes, from 1.
  public var matchedStudent: Int?
  /// Largest rho_jk over the student nodes, -1...1; 0 for a dead node.
  public var correlation = 0.0
  /// The student node that has it, from 1; absent for a dead node.
  public var correlatedStudent: Int?
  /// inputSpread sqrt(1 - correlation^2): what that student node leaves of the teacher node's activation, held against the band
  /// as an alignment is. Absent where no correlation is positive.
  public var mismatch: Double?
  public var verdict = AuditVerdict.noObserver
  /// The verdict as a sentence for people, such as "gradient too large by a factor 120".
  public var reason = ""

  public init(node: Int) {
    self.node = node
  }
}

/// A student node that observes a teacher node.
public struct ObserverRecord: Codable, Hashable, Sendable {
  /// k, from 1.
  public var node: Int
  /// The share of the samples in the band at which it is active; 0 only of leaky nodes.
  public var kappa: Double
  /// |alpha_kj| ||w*_j||; in deeper networks the smallest over the regions that the inputs meet. Of a leaky node with a kappa of 0
  /// c times that.
  public var alpha: Double

  public init(node: Int, kappa: Double, alpha: Double) {
    self.node = node
    self.kappa = kappa
    self.alpha = alpha
  }
}

/// What the inputs show of a teacher node within one band.
public struct TeacherBandRecord: Codable, Hashable, Sendable {
  /// eps.
  public var band: Double
  /// Samples within eps of the boundary.
  public var sampleCount: Int
  /// tau_j = samples in the band / (eps N).
  public var tau: Double
  /// Student nodes with kappa > 0 in this band and alpha_kj not 0.
  public var observerCount: Int
  /// Kink witnesses: triples of samples that prove a student's boundary within eps; absent, as the next three, where the
  /// gradients that bear witness were not measured.
  public var witnessCount: Int?
  /// The student node whose boundary explains most of them, from 1; and how many. The count is absent in records of before
  /// it was kept.
  public var witnessStudent: Int?
  public var witnessStudentCount: Int?
  /// The eps, and the sine of the angle, for which that node is proven to be aligned: in the lengths of the record, and
  /// without a unit. Absent where nothing is proven.
  public var provenAlignment: Double?
  public var provenSine: Double?

  public init(
    band: Double, sampleCount: Int, tau: Double, observerCount: Int, witnessCount: Int? = nil,
    witnessStudent: Int? = nil,
    witnessStudentCount: Int? = nil, provenAlignment: Double? = nil, provenSine: Double? = nil
  ) {
    self.band = band
    self.sampleCount = sampleCount
    self.tau = tau
    self.observerCount = observerCount
    self.witnessCount = witnessCount
    self.witnessStudent = witnessStudent
    self.witnessStudentCount = witnessStudentCount
    (self.provenAlignment, self.provenSine) = (provenAlignment, provenSine)
  }
}

/// What became of a teacher node, and if it was not learned, the first condition that failed.
public enum AuditVerdict: String, Codable, Hashable, Sendable, CaseIterable {
  /// The conditions hold, and so does the conclusion.
  case predictedAndFound
  /// Aligned, though not all of the conditions hold.
  case foundThoughNotPredicted
  /// Not aligned, but a student node has its function on the inputs, which are of low rank and do not determine its weights.
  case matchedOnInputs
  case noObserver, weakAlpha, gradientTooLarge, tooFewSamples, lowRankInputs
  /// Dead, or without a boundary in the inputs.
  case invisible
  /// Another teacher node's boundary is the same, or within the band.
  case duplicate
  /// The conditions hold, and what is proven is wider than the band, within which no student node is.
  case wideProof
  /// What witnesses prove is not so: must never be seen.
  case violation
  /// Not learned; the gradients that the conditions speak of were not measured, because it would have taken too long.
  case gradientsNotMeasured

  /// The number by which the measure `verdicts` stores it, 0...12.
  public var code: Int {
    switch self {
    case .predictedAndFound: 0
    case .foundThoughNotPredicted: 1
    case .noObserver: 2
    case .weakAlpha: 3
    case .gradientTooLarge: 4
    case .tooFewSamples: 5
    case .lowRankInputs: 6
    case .invisible: 7
    case .duplicate: 8
    case .violation: 9
    case .wideProof: 10
    case .gradientsNotMeasured: 11
    case .matchedOnInputs: 12
    }
  }

  /// nil for a number that no verdict has.
  public init?(code: Int) {
    guard let verdict = Self.allCases.first(where: { $0.code == code }) else { return nil }
    self = verdict
  }

  /// Whether a student node is aligned with the teacher node.
  public var isFound: Bool { self == .predictedAndFound || self == .foundThoughNotPredicted }

  /// In words, for tables and legends.
  public var words: String {
    switch self {
    case .predictedAndFound: "predicted and found"
    case .foundThoughNotPredicted: "found though not predicted"
    case .matchedOnInputs: "matched on the inputs, weights not determined"
    case .noObserver: "not learned: no observer"
    case .weakAlpha: "not learned: weak alpha"
    case .gradientTooLarge: "not learned: gradient too large"
    case .tooFewSamples: "not learned: too few samples in its band"
    case .lowRankInputs: "not learned: inputs of low rank"
    case .invisible: "invisible in the inputs"
    case .duplicate: "not separated from another teacher node"
    case .violation: "VIOLATION"
    case .wideProof: "not learned: proven to a wider eps only"
    case .gradientsNotMeasured: "not learned: gradients not measured"
    }
  }
}

/// A student node: which teacher node it carries, if any, and whether it can go.
public struct StudentNodeRecord: Codable, Hashable, Sendable {
  /// What merging does with the node.
  public enum Fate: String, Codable, Hashable, Sendable, CaseIterable {
    /// Stays: it carries a boundary.
    case carries
    /// Its fan-out weights go to `mergedInto`, which has the same boundary.
    case merged
    /// Its boundary carries nothing.
    case removed
  }
  /// k, from 1.
  public var node: Int
  /// Whether its activation does not vary over the inputs.
  public var isDead = false
  /// The teacher node it is aligned with, from 1; absent for an unaligned node.
  public var alignedTeacher: Int?
  /// The teacher node whose function it has on inputs of low rank, from 1; absent for others, and for a node that is aligned.
  public var matchedTeacher: Int?
  /// The smallest eps for which it is eps-aligned with some teacher node: max(inputSpread sine, offset difference). Absent,
  /// as the next two, for a node without a boundary.
  public var alignment: Double?
  public var sine: Double?
  public var offsetDifference: Double?
  /// Whether its boundary is oriented the other way.
  public var isOpposite = false
  /// ||v_k||.
  public var fanOutNorm = 0.0
  /// ||v_k|| ||w_k||.
  public var strength = 0.0
  /// The slope jump that is left at its boundary group, ||sum_teacher v* ||w*|| - sum_students v ||w|| ||.
  public var kinkBalance = 0.0
  /// The group of nodes on one boundary that it belongs to, from 1; 0 for a node without a boundary.
  public var group = 0
  /// Student nodes on other boundaries that observe its boundary and have fan-out; absent, as the next four, where it would have
  /// taken too long, for a node without a boundary, and where no input is in the boundary's band. Of deeper networks, as the next,
  /// in that region met in the band in which fan-outs span the outputs worst. Absent also in records of before it was kept, as all
  /// but the rank.
  public var observerCount: Int?
  /// Rank of their fan-out weights, at most C; and C, the rank that the statement on unaligned nodes needs.
  public var observerFanOutRank: Int?
  public var neededFanOutRank: Int?
  /// The C-th (0 for fewer than C observers) and the largest singular value of their fan-out weights, each divided by its length.
  public var smallestSingularValue: Double?
  public var largestSingularValue: Double?
  /// What its boundary carries: `kinkBalance` divided by the strength of the strongest teacher node.
  public var carriedShare: Double?
  /// The statement on unaligned nodes, held against it; absent for a node that is aligned, and where the rank is absent.
  public var unaligned: UnalignedNodeVerdict?
  /// Absent where merging was left out.
  public var fate: Fate?
  /// The student node that takes it over, from 1, if it is merged.
  public var mergedInto: Int?

  public init(node: Int) {
    self.node = node
  }
}

/// What became of a student node that is aligned with no teacher node.
///
/// The statement: if the gradients vanish, and the fan-out weights of those that observe its boundary span the outputs, the boundary
/// carries nothing.
public enum UnalignedNodeVerdict: String, Codable, Hashable, Sendable, CaseIterable {
  /// They span the outputs, and it carries nothing.
  case predictedAndEmpty
  /// It carries nothing, though they do not.
  case emptyThoughNotPredicted
  /// It carries something, and they do not span the outputs.
  case notSpanned
  /// It carries something, though they do: the gradients do not vanish.
  case notEmpty

  /// In words, after "aligned with no teacher node: ".
  public var words: String {
    switch self {
    case .predictedAndEmpty:
      "its observers' fan-outs span the outputs, and its boundary carries nothing, as the theory says"
    case .emptyThoughNotPredicted:
      "its boundary carries nothing, though its observers' fan-outs do not span the outputs"
    case .notSpanned: "its observers' fan-outs do not span the outputs, and its boundary carries something"
    case .notEmpty:
      "its observers' fan-outs span the outputs, and its boundary carries something: gradients do not vanish"
    }
  }
}

/// The whole student, after the nodes that do nothing of their own are merged and removed. Where merging was left out, all but
/// `nodeCount` and `outputScale` is absent.
public struct StudentSummaryRecord: Codable, Hashable, Sendable {
  /// n.
  public var nodeCount = 0
  /// Nodes that carry a boundary; nodes that can be merged into one of them; nodes that can be removed.
  public var carryingCount: Int?
  /// Of those that carry a boundary, the nodes that are aligned with a teacher node; absent in records of before it was kept.
  public var carryingTeacherCount: Int?
  /// Of the others, the nodes that have the function of a teacher node on the inputs, which are of low rank; absent if these are
  /// not.
  public var carryingMatchCount: Int?
  public var mergeableCount: Int?
  public var removableCount: Int?
  /// Hidden nodes that are left.
  public var mergedNodeCount: Int?
  /// Largest change of an output over the inputs that merging saw, and the root mean square of the outputs beside it.
  public var largestOutputChange: Double?
  public var outputScale = 0.0
  /// Inputs that were held out from merging, and the largest change over them; absent if none were.
  public var heldOutCount: Int?
  public var heldOutOutputChange: Double?
  /// Largest weight error of the merged student against the teacher, up to order and scale; absent if the sizes differ.
  public var weightError: Double?

  public init() {}
}

/// What is left of a hidden layer of a deep student after merging, and how well the inputs determine it.
public struct MergedLayerRecord: Codable, Hashable, Sendable {
  /// From 1, the lowest.
  public var layer: Int
  /// Nodes, of which some carry units, some can be merged into them and some removed; and the units that are left.
  public var nodeCount = 0
  public var carryingCount = 0
  public var mergeableCount = 0
  public var removableCount = 0
  public var unitCount = 0
  /// The largest epsilon over which two boundaries were joined, in units of the spread of what enters the layer.
  public var joinedOver = 0.0
  /// Directions along which what enters the student's layer varies over the inputs, of so many; fewer: only sums of weights
  /// are determined.
  public var inputRank = 0
  public var inputCount = 0
  /// Of the merged student, the smallest ratio of singular values with which the inputs determine a unit's weights, 0...1; 0:
  /// some are not determined. Absent where it would take too long.
  public var identifiability: Double?
  /// Largest weight error of the layer against the teacher, up to order and scale; absent if the sizes differ.
  public var weightError: Double?

  public init(layer: Int) {
    self.layer = layer
  }
}
