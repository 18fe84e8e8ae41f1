package pickle

type opcode = byte

// The opcodes, by their names in Lib/pickle.py.
const (
	opMark           opcode = '('
	opStop           opcode = '.'
	opPop            opcode = '0'
	opPopMark        opcode = '1'
	opDup            opcode = '2'
	opFloat          opcode = 'F'
	opInt            opcode = 'I'
	opBinInt         opcode = 'J'
	opBinInt1        opcode = 'K'
	opLong           opcode = 'L'
	opBinInt2        opcode = 'M'
	opNone           opcode = 'N'
	opPersID         opcode = 'P'
	opBinPersID      opcode = 'Q'
	opReduce         opcode = 'R'
	opBinString      opcode = 'T'
	opShortBinString opcode = 'U'
	opUnicode        opcode = 'V'
	opBinUnicode     opcode = 'X'
	opAppend         opcode = 'a'
	opBuild          opcode = 'b'
	opGlobal         opcode = 'c'
	opDict           opcode = 'd'
	opEmptyDict      opcode = '}'
	opAppends        opcode = 'e'
	opGet            opcode = 'g'
	opBinGet         opcode = 'h'
	opInst           opcode = 'i'
	opLongBinGet     opcode = 'j'
	opList           opcode = 'l'
	opEmptyList      opcode = ']'
	opObj            opcode = 'o'
	opPut            opcode = 'p'
	opBinPut         opcode = 'q'
	opLongBinPut     opcode = 'r'
	opSetItem        opcode = 's'
	opTuple          opcode = 't'
	opEmptyTuple     opcode = ')'
	opSetItems       opcode = 'u'
	opBinFloat       opcode = 'G'

	// Protocol 2.
	opProto    opcode = 0x80
	opNewObj   opcode = 0x81
	opExt1     opcode = 0x82
	opExt2     opcode = 0x83
	opExt4     opcode = 0x84
	opTuple1   opcode = 0x85
	opTuple2   opcode = 0x86
	opTuple3   opcode = 0x87
	opNewTrue  opcode = 0x88
	opNewFalse opcode = 0x89
	opLong1    opcode = 0x8a
	opLong4    opcode = 0x8b

	// Protocol 3.
	opBinBytes      opcode = 'B'
	opShortBinBytes opcode = 'C'

	// Protocol 4.
	opShortBinUnicode opcode = 0x8c
	opBinUnicode8     opcode = 0x8d
	opBinBytes8       opcode = 0x8e
	opEmptySet        opcode = 0x8f
	opAddItems        opcode = 0x90
	opFrozenSet       opcode = 0x91
	opNewObjEx        opcode = 0x92
	opStackGlobal     opcode = 0x93
	opMemoize         opcode = 0x94
	opFrame           opcode = 0x95

	// Protocol 5.
	opByteArray8     opcode = 0x96
	opNextBuffer     opcode = 0x97
	opReadonlyBuffer opcode = 0x98
)
